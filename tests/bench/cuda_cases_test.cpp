// SPDX-License-Identifier: Apache-2.0
// The files of bench/shapes/cuda: every line has a plan, what is tuned is what
// the networks launch, and the epilogues to measure with compile.
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "bench/cuda/cases.h"
#include "bench/cuda/replay.h"
#include "bench/cuda/tune.h"
#include "tests/kernels/cuda_compile.h"

namespace burin::bench {
namespace {

namespace cuda = kernels::cuda;

const cuda::Target kHopper{"sm_90a", 90};
const cuda::Target kAmpere{"sm_80", 80};

std::vector<ShapeRow> rowsOf(const std::string& path, int64_t batch) {
  auto rows = readShapes(path);
  EXPECT_TRUE(rows.ok()) << rows.status().message();
  std::vector<ShapeRow> found;
  for (ShapeRow& row : *rows)
    found.push_back(withBatch(row, batch));
  return found;
}

std::vector<std::string> files() {
  std::vector<std::string> paths;
  for (const auto& entry :
       std::filesystem::directory_iterator("bench/shapes/cuda"))
    paths.push_back(entry.path());
  return paths;
}

int64_t countOf(const std::vector<ShapeRow>& rows, const std::string& key) {
  for (const ShapeRow& row : rows)
    if (shapeKey(row) == key)
      return row.count;
  return 0;
}

// Limits of launches and of the copy engine.
void expectLaunchable(const cuda::LaunchPlan& plan, const KernelCase& work,
                      const std::string& what) {
  EXPECT_EQ(plan.blocks[0] % plan.cluster, 0u) << what;
  EXPECT_LE(plan.sharedBytes, 232448u) << what;
  EXPECT_LE(plan.threads, 1024u) << what;
  for (const cuda::MapPlan& map : plan.maps) {
    ASSERT_LT(map.slice, work.slices.size()) << what;
    const CaseSlice& slice = work.slices[map.slice];
    EXPECT_EQ(map.strides.size() + 1, map.extents.size()) << what;
    for (const uint64_t stride : map.strides)
      EXPECT_EQ(stride % 16, 0u) << what;
    for (const uint32_t box : map.box)
      EXPECT_TRUE(box >= 1 && box <= 256) << what << ": box of " << box;
    int64_t last =
        static_cast<int64_t>(map.extents[0] * byteSize(slice.info.dtype));
    for (size_t i = 0; i < map.strides.size(); ++i)
      last += static_cast<int64_t>((map.extents[i + 1] - 1) * map.strides[i]);
    EXPECT_LE(last, slice.bytes()) << what << ": slice " << map.slice;
  }
}

TEST(CudaCases, EveryShapeHasPlans) {
  ASSERT_FALSE(files().empty());
  for (const std::string& path : files())
    for (const ShapeRow& row : rowsOf(path, 3))
      for (const cuda::Target& target : {kHopper, kAmpere})
        for (const Following following :
             {Following::kPlain, Following::kNetwork}) {
          const auto work = kernelCase(row, following, target);
          ASSERT_TRUE(work.ok()) << path << " " << shapeKey(row) << ": "
                                 << work.status().message();
          EXPECT_GT(work->bytes(), 0);
          EXPECT_EQ(work->flops > 0, row.kind != "group_affine");
          const std::string what = path + " " + shapeKey(row);
          expectLaunchable(work->plan, *work, what);
          if (work->first)
            expectLaunchable(work->first->plan, *work, what);
        }
}

// Moments go from the first launch to the second.
TEST(CudaCases, LargePicturesAreNormalisedInTwoLaunches) {
  const auto work = kernelCase({1, "group_affine", {1, 262144, 128, 32}},
                               Following::kNetwork, kHopper);
  ASSERT_TRUE(work.ok()) << work.status().message();
  ASSERT_TRUE(work->first.has_value());
  EXPECT_EQ(work->first->slices, (std::vector<size_t>{0, 3}));
  ASSERT_EQ(work->slices.size(), 5u);
  EXPECT_TRUE(work->slices[3].written);
  EXPECT_EQ(work->slices[3].info.dtype, DType::kU8);
}

TEST(CudaCases, MergedLayersOfTheUNet) {
  const auto rows = rowsOf("bench/shapes/cuda/unet_64.txt", 3);
  EXPECT_EQ(countOf(rows, "linear 12288 320 960"), 5);
  EXPECT_EQ(countOf(rows, "linear 192 1280 3840"), 1);
  EXPECT_EQ(countOf(rows, "linear 3 1280 20160"), 1);  // of the time
  EXPECT_EQ(countOf(rows, "linear 231 768 24960"), 1); // of the text
  EXPECT_EQ(countOf(rows, "conv 3 64 64 320 320 3 2 1 1"), 1);
  EXPECT_EQ(countOf(rows, "conv 3 32 32 640 640 3 1 1 2"), 1);
}

// 803 GFLOP less the text's, as one sample of the CPU's list has them too.
TEST(CudaCases, SameWorkAsOnTheProcessor) {
  for (const char* name :
       {"unet_64", "vae_decoder_64", "vae_encoder_512", "text_encoder_77"}) {
    double card = 0, processor = 0;
    for (const ShapeRow& row :
         rowsOf(std::string("bench/shapes/cuda/") + name + ".txt", 1))
      card += static_cast<double>(row.count) * row.flops();
    for (const ShapeRow& row :
         rowsOf(std::string("bench/shapes/") + name + ".txt", 1))
      processor += static_cast<double>(row.count) * row.flops();
    EXPECT_DOUBLE_EQ(card, processor) << name;
  }
}

TEST(CudaCases, TunesWhatTilesServeOnce) {
  auto rows = rowsOf("bench/shapes/cuda/unet_64.txt", 3);
  const size_t once = tunableRows(rows, kHopper).size();
  EXPECT_GT(once, 45u);
  EXPECT_LT(once, 60u);
  const auto again = rowsOf("bench/shapes/cuda/unet_64.txt", 3);
  rows.insert(rows.end(), again.begin(), again.end());
  EXPECT_EQ(tunableRows(rows, kHopper).size(), once);
  for (const ShapeRow& row : tunableRows(rows, kHopper))
    EXPECT_EQ(geometryOf(row)->gates, isGated(row) ? 2 : 1);
  // Three channels are no multiple of 16 bytes.
  const std::vector<ShapeRow> picture = {
      {1, "conv", {1, 512, 512, 3, 128, 3, 1, 1, 1}}};
  EXPECT_TRUE(tunableRows(picture, kHopper).empty());
  EXPECT_TRUE(tunableRows(rows, kAmpere).empty());
}

TEST(CudaCases, OperandsExceedTheCache) {
  const ShapeRow small = {1, "linear", {3, 320, 1280}};
  const ShapeRow large = {1, "linear", {65536, 2560, 2560}};
  const auto few = kernelCase(small, Following::kNetwork, kHopper);
  const auto many = kernelCase(large, Following::kNetwork, kHopper);
  ASSERT_TRUE(few.ok() && many.ok());
  EXPECT_EQ(operandSets(*few, 10), 10);
  EXPECT_EQ(operandSets(*many, 10), 2);
}

TEST(CudaCases, EpiloguesCompile) {
  if (const std::string reason = cuda::testing::whyNoCompiler();
      !reason.empty())
    GTEST_SKIP() << reason;
  const ShapeRow rows[] = {{1, "linear", {768, 1280, 1280}},
                           {1, "linear", {768, 1280, 10240}},
                           {1, "conv", {3, 64, 64, 320, 4, 3, 1, 1, 1}},
                           {1, "conv", {1, 64, 64, 4, 4, 1, 1, 0, 1}},
                           {1, "group_affine", {3, 256, 1280, 32}},
                           {1, "group_affine", {1, 262144, 128, 32}}};
  for (const ShapeRow& row : rows)
    for (const Following following : {Following::kPlain, Following::kNetwork}) {
      const auto work = kernelCase(row, following, kHopper);
      ASSERT_TRUE(work.ok()) << work.status().message();
      const auto compiled = cuda::testing::compile(work->plan, kHopper);
      EXPECT_TRUE(compiled.ok) << work->plan.symbol << "\n" << compiled.log;
      EXPECT_EQ(compiled.spillBytes, 0) << work->plan.symbol;
    }
}

} // namespace
} // namespace burin::bench
