// SPDX-License-Identifier: Apache-2.0
// What the harness asks of a device: operands inside their memory, every
// finalist compared.
#include <gtest/gtest.h>

#include "bench/cuda/measure.h"
#include "bench/cuda/tune.h"
#include "kernels/cuda/nvrtc.h"
#include "tests/bench/memory_device.h"

namespace burin::bench {
namespace {

namespace cuda = kernels::cuda;

const cuda::Target kHopper{"sm_90a", 90};
const ShapeRow kLayer = {1, "linear", {192, 256, 128}};

class CudaTune : public ::testing::Test {
protected:
  void SetUp() override {
    if (Status nvrtc = nvrtcAvailable(); !nvrtc.ok())
      GTEST_SKIP() << nvrtc.message();
  }

  MemoryDevice device_;
  std::vector<std::string> notices_;
  Notice notice_ = [this](const std::string& what, size_t done, size_t total) {
    notices_.push_back(what + " " + std::to_string(done) + "/" +
                       std::to_string(total));
  };
};

TEST_F(CudaTune, FindsATileForEachContraction) {
  const auto report =
      tuneContractions(device_, kHopper, {&kLayer, 1}, {}, notice_);
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_TRUE(report->faults.empty());
  ASSERT_EQ(report->times.size(), 1u);
  const TunedTime& time = report->times[0];
  EXPECT_TRUE(cuda::tileFits(*time.tile.choice.tile, time.tile.geometry).ok());
  EXPECT_EQ(time.tile.geometry.width, 192);
  EXPECT_EQ(device_.outOfRange, 0);
  EXPECT_GT(device_.symbols.size(), 1u);
  EXPECT_EQ(notices_.back(), "contraction 1/1");
}

TEST_F(CudaTune, TilesThatDisagreeAreFaults) {
  const auto geometry = geometryOf(kLayer);
  ASSERT_TRUE(geometry.ok());
  const cuda::TileChoice chosen = cuda::selectTile(*geometry, {});
  device_.wrong = "contract_" + chosen.tile->name() + "_";
  const auto report =
      tuneContractions(device_, kHopper, {&kLayer, 1}, {}, notice_);
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_TRUE(report->times.empty());
  ASSERT_EQ(report->faults.size(), 1u);
  EXPECT_NE(report->faults[0].find("differ from those of"), std::string::npos);
}

TEST_F(CudaTune, KernelsOfEveryKind) {
  const ShapeRow rows[] = {
      {2, "conv", {1, 8, 8, 64, 64, 3, 1, 1, 1}},
      {3, "linear", {77, 64, 512}},
      {4, "attention", {1, 64, 77, 8, 40, 0}},
      {5, "attention", {1, 64, 64, 8, 40, 0}},
      {6, "group_affine", {1, 64, 320, 32}},
      {7, "attention", {1, 64, 64, 1, 4096, 0}}, // wider than is served
  };
  const auto times = measureKernels(device_, kHopper, rows, notice_);
  ASSERT_TRUE(times.ok()) << times.status().message();
  ASSERT_EQ(times->size(), std::size(rows));
  EXPECT_EQ(device_.outOfRange, 0);
  for (const KernelTime& time : *times)
    EXPECT_EQ(time.failed.empty(), time.count != 7) << time.failed;
  EXPECT_EQ((*times)[0].shape, "conv 1 8 8 64 64 3 1 1 1");
  EXPECT_GT((*times)[1].network, 0);
}

} // namespace
} // namespace burin::bench
