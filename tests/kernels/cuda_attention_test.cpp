// SPDX-License-Identifier: Apache-2.0
// Plans of attention: which kernel, on which grid, through which maps, and
// whether the texts compile without spills.
#include <algorithm>
#include <cstring>
#include <set>

#include "gtest/gtest.h"

#include "kernels/cpu/contracts.h"
#include "kernels/cuda/attention/plan.h"
#include "tests/kernels/cuda_compile.h"

namespace burin::kernels::cuda {
namespace {

const Target kHopper = {"sm_90a", 90};
const Target kAmpere = {"sm_80", 80};
constexpr int64_t kMaxShared = 227 * 1024; // of a block

struct Shape {
  int64_t batch, queries, keys, heads, width;
  bool causal = false;
  DType dtype = DType::kBF16;
  int64_t extra = 0; // what the pitch exceeds the heads by
  int64_t alignment = 16;
  double scale = 0.125;
};

std::vector<int64_t> paramsOf(const Shape& s) {
  return {s.batch,  s.queries,          s.keys, s.heads, s.width,
          s.causal, doubleBits(s.scale)};
}

std::array<SliceInfo, 4> slicesOf(const Shape& s) {
  const int64_t extent = s.heads * s.width;
  const auto slice = [&](int64_t tokens, int64_t extra) {
    return SliceInfo{s.dtype, s.batch * tokens, extent, extent + extra,
                     s.alignment};
  };
  return {slice(s.queries, s.extra), slice(s.keys, s.extra),
          slice(s.keys, s.extra), slice(s.queries, 0)};
}

Result<LaunchPlan> planOf(const Shape& s, const Target& target = kHopper,
                          const AttentionOptions& options = {}) {
  const auto slices = slicesOf(s);
  return planAttention(paramsOf(s), slices, target, options);
}

bool isSimt(const LaunchPlan& plan) {
  return plan.symbol.starts_with("attention_simt_");
}

// The constants of both texts begin so.
struct Head {
  int32_t heads, tiles, queries, keys;
};
Head headOf(const LaunchPlan& plan) {
  Head head;
  std::memcpy(&head, plan.constants.data(), sizeof(head));
  return head;
}

// Boxes lie within what a copy engine takes, and extents and strides reach to
// the last element of the slice and not beyond it.
void expectMaps(const LaunchPlan& plan, const Shape& s,
                const AttentionConfig& config) {
  const auto slices = slicesOf(s);
  std::vector<int64_t> boxes; // columns
  if (s.width >= 64)
    boxes.push_back(64);
  if (s.width % 64 > 0)
    boxes.push_back(s.width % 64);
  ASSERT_EQ(plan.maps.size(), 4 * boxes.size());
  for (size_t m = 0; m < plan.maps.size(); ++m) {
    const MapPlan& map = plan.maps[m];
    const size_t i = m % 4;
    EXPECT_EQ(map.slice, i);
    EXPECT_EQ(map.byteOffset, 0u);
    EXPECT_EQ(map.swizzle, 128);
    ASSERT_EQ(map.extents.size(), 4u);
    ASSERT_EQ(map.strides.size(), 3u);
    ASSERT_EQ(map.box.size(), 4u);
    EXPECT_EQ(map.box[0], boxes[m / 4]);
    EXPECT_EQ(map.box[1], 1u);
    EXPECT_EQ(map.box[2], i == 1 || i == 2 ? config.keys : 64);
    EXPECT_EQ(map.box[3], 1u);
    EXPECT_LE(map.box[2], 256u);
    uint64_t last = map.extents[0] * 2;
    for (size_t d = 0; d < 3; ++d) {
      EXPECT_EQ(map.strides[d] % 16, 0u);
      EXPECT_LT(map.strides[d], uint64_t{1} << 40);
      last += (map.extents[d + 1] - 1) * map.strides[d];
    }
    const auto bytes = static_cast<uint64_t>(
        ((slices[i].rows - 1) * slices[i].pitch + s.heads * s.width) * 2);
    EXPECT_EQ(last, bytes);
  }
}

// Every query of every head in one block, and in one only.
void expectGrid(const LaunchPlan& plan, const Shape& s, int64_t tile,
                int64_t columnSlices) {
  const Head head = headOf(plan);
  EXPECT_EQ(head.heads, s.heads);
  EXPECT_EQ(head.queries, s.queries);
  EXPECT_EQ(head.keys, s.keys);
  EXPECT_GE(head.tiles * tile, s.queries);
  EXPECT_LT((head.tiles - 1) * tile, s.queries);
  EXPECT_EQ(plan.blocks[0], head.tiles * columnSlices * s.heads * s.batch);
  EXPECT_EQ(plan.blocks[1], 1u);
  EXPECT_EQ(plan.blocks[2], 1u);
  EXPECT_EQ(plan.cluster, 1u);
  EXPECT_TRUE(plan.overlaps);
}

void expectResources(const LaunchPlan& plan, const AttentionConfig& config) {
  EXPECT_LE(plan.sharedBytes, kMaxShared);
  EXPECT_LE(plan.threads, 1024u);
  EXPECT_EQ(plan.threads % 32, 0u);
  // Named barriers 1 to 4 and 8 to 11 belong to warpgroups.
  EXPECT_LE(config.groups, 4);
}

TEST(CudaAttention, EveryConfigurationFitsEveryShape) {
  for (int64_t width = 8; width <= 512; width += 8)
    for (const AttentionConfig& config : attentionConfigs(width))
      for (const Shape& s :
           {Shape{3, 4096, 4096, 8, width}, Shape{1, 1, 1, 1, width},
            Shape{2, 65, 333, 3, width}, Shape{2, 77, 77, 12, width, true},
            Shape{1, 100, 60, 2, width, false, DType::kF16, 2 * width}}) {
        if (isResident(config) && s.keys > config.keys)
          continue;
        auto plan = planOf(s, kHopper, {.config = config});
        ASSERT_TRUE(plan.ok()) << plan.status().message();
        SCOPED_TRACE(plan->symbol);
        EXPECT_FALSE(isSimt(*plan));
        expectMaps(*plan, s, config);
        if (!isResident(config))
          expectGrid(*plan, s, 64 * config.groups, width > 256 ? 2 : 1);
        expectResources(*plan, config);
      }
}

TEST(CudaAttention, TakesTheMeasuredWinners) {
  const struct {
    int64_t batch, queries, keys, width;
    const char* config;
  } kCases[] = {
      {3, 4096, 4096, 40, "n128_w3_s4_b1_pp"},
      {1, 4096, 4096, 40, "n64_w4_s5_b1_pp"},
      {3, 4096, 4096, 64, "n128_w3_s4_b1_pp"},
      {1, 4096, 4096, 64, "n64_w4_s5_b1_pp"},
      {3, 1024, 1024, 80, "n64_w3_s4_b1"},
      {1, 1024, 1024, 80, "n64_w1_s3_b2"},
      {3, 256, 256, 160, "n64_w1_s4_b1"},
      {1, 256, 256, 160, "n64_w1_s4_b1"},
      {3, 64, 64, 160, "n64_w1_s1_b2"},
      {3, 4096, 77, 40, "n80_w2_s1_b3"},
      {1, 4096, 77, 40, "n80_w2_s1_b3"},
      {3, 4096, 77, 64, "n80_w1_s1_b3"},
      {3, 1024, 77, 80, "n80_w1_s1_b3"},
      {1, 256, 77, 160, "n80_w1_s1_b2"},
      {1, 64, 77, 160, "n80_w1_s1_b2"},
  };
  for (const auto& c : kCases)
    EXPECT_EQ(attentionConfigName(chooseAttentionConfig(c.width, 8 * c.batch,
                                                        c.queries, c.keys)),
              c.config)
        << c.batch << " x " << c.queries << " x " << c.keys << ", " << c.width;
}

TEST(CudaAttention, WideHeadsFillTheCard) {
  auto small = planOf({1, 4096, 4096, 1, 512});
  auto large = planOf({1, 16384, 16384, 1, 512});
  ASSERT_TRUE(small.ok() && large.ok());
  EXPECT_EQ(small->symbol, "attention_bf16_d512_n32_w1_s3_b1");
  EXPECT_EQ(small->blocks[0], 128u);
  EXPECT_EQ(large->symbol, "attention_bf16_d512_n32_w2_s2_b1");
  EXPECT_EQ(large->blocks[0], 256u);
}

TEST(CudaAttention, ChoosesAmongThoseThatExist) {
  for (int64_t width = 8; width <= 512; width += 8) {
    const auto configs = attentionConfigs(width);
    if (configs.empty())
      continue;
    for (int64_t rows : {1, 8, 24, 100})
      for (int64_t tokens : {1, 64, 77, 200, 4096})
        for (int64_t keys : {int64_t{1}, int64_t{64}, int64_t{77}, tokens}) {
          const auto chosen = chooseAttentionConfig(width, rows, tokens, keys);
          EXPECT_NE(std::ranges::find(configs, chosen), configs.end());
        }
  }
}

TEST(CudaAttention, BlocksShareTheQueriesWhereKeysStay) {
  const AttentionConfig config = {80, 2, 1, 3, false};
  const struct {
    int64_t batch, queries;
    int32_t tiles; // of 32 at 4096 queries, in 1, 2, 3 and all rounds
  } kCases[] = {{1, 4096, 32}, {3, 4096, 16}, {4, 4096, 11},
                {60, 4096, 1}, {1, 1, 1},     {3, 200, 2}};
  for (const auto& c : kCases) {
    auto plan =
        planOf({c.batch, c.queries, 77, 8, 40}, kHopper, {.config = config});
    ASSERT_TRUE(plan.ok()) << plan.status().message();
    EXPECT_EQ(headOf(*plan).tiles, c.tiles) << c.batch << " x " << c.queries;
    EXPECT_EQ(plan->blocks[0], c.tiles * 8 * c.batch);
  }
}

// The walk over blocks and the mask of attention_sm90.cuh.
TEST(CudaAttention, CausalBlocksShowEachQueryTheKeysBefore) {
  for (int64_t tokens : {1, 64, 77, 130, 500})
    for (const AttentionConfig& config : attentionConfigs(64)) {
      if (isResident(config) && tokens > config.keys)
        continue;
      const int64_t tile = 64 * config.groups;
      for (int64_t query = 0; query < tokens; ++query) {
        const int64_t end = (query / tile + 1) * tile;
        const int64_t seen = std::min(end, tokens);
        const int64_t first = query / 64 * 64; // of the warpgroup
        int64_t blocks = (seen + config.keys - 1) / config.keys;
        int64_t count = 0;
        for (int64_t block = blocks - 1; block >= 0; --block) {
          const int64_t key = block * config.keys;
          const bool whole = key + config.keys - 1 <= first;
          const int64_t shown =
              std::clamp<int64_t>(query + 1 - key, 0, config.keys);
          count += whole ? config.keys : shown;
        }
        EXPECT_EQ(count, query + 1);
      }
    }
}

TEST(CudaAttention, PlansThePlainKernelWhereTensorMapsCannotServe) {
  const Shape kShapes[] = {
      {1, 4096, 4096, 8, 40, false, DType::kF32},
      {1, 77, 77, 12, 64, true, DType::kBF16, 4}, // pitch of 8 bytes
      {1, 77, 77, 12, 64, true, DType::kBF16, 0, 8},
      {1, 64, 64, 2, 20},
      {1, 64, 64, 1, 320},
      {1, 64, 64, 1, 1024},
      {1, 64, 64, 2, 64, false, DType::kBF16, 0, 16, -1.0},
  };
  for (const Shape& s : kShapes) {
    auto plan = planOf(s);
    ASSERT_TRUE(plan.ok()) << plan.status().message();
    SCOPED_TRACE(plan->symbol);
    EXPECT_TRUE(isSimt(*plan));
    EXPECT_TRUE(plan->maps.empty());
    expectGrid(*plan, s, plan->threads / 32, 1);
  }
  auto plan = planOf({3, 4096, 4096, 8, 40}, kAmpere);
  ASSERT_TRUE(plan.ok());
  EXPECT_TRUE(isSimt(*plan));
  plan = planOf({3, 4096, 4096, 8, 40}, kHopper, {.simt = true});
  ASSERT_TRUE(plan.ok());
  EXPECT_TRUE(isSimt(*plan));
}

TEST(CudaAttention, RefusesWithAReason) {
  const auto message = [](const Result<LaunchPlan>& plan) {
    return plan.ok() ? std::string("a plan") : plan.status().message();
  };
  const auto expect = [&](const Result<LaunchPlan>& plan, const char* part) {
    EXPECT_NE(message(plan).find(part), std::string::npos) << message(plan);
  };
  expect(planOf({1, 0, 64, 2, 64}), "sizes must be positive");
  expect(planOf({1, 65, 64, 2, 64, true}), "as many queries as keys");
  expect(planOf({1, 64, 64, 1, 2000}), "at most 1024");
  expect(planOf({1, 64, 64, 2, 64, false, DType::kI32}), "f32, bf16 or f16");
  expect(planOf({1, 64, 64, 2, 64}, kHopper,
                {.config = AttentionConfig{48, 1, 1, 1, false}}),
         "no configuration n48_w1_s1_b1");
  expect(planOf({1, 64, 81, 2, 64}, kHopper,
                {.config = AttentionConfig{80, 1, 1, 3, false}}),
         "n80_w1_s1_b3 holds 80 keys, not 81");
  expect(planOf({1, 64, 64, 2, 64}, kAmpere,
                {.config = attentionConfigs(64).front()}),
         "not sm_90a");

  const Shape s = {2, 64, 64, 2, 64};
  auto slices = slicesOf(s);
  slices[1].rows = 64;
  expect(planAttention(paramsOf(s), slices, kHopper), "k has 64 rows");
  slices = slicesOf(s);
  slices[3].extent = 64;
  expect(planAttention(paramsOf(s), slices, kHopper), "out has rows of 64");
  slices = slicesOf(s);
  slices[2].dtype = DType::kF32;
  expect(planAttention(paramsOf(s), slices, kHopper), "v is f32");
}

TEST(CudaAttention, EqualTextsHaveEqualSymbols) {
  const Shape one = {3, 4096, 4096, 8, 40};
  const Shape two = {3, 4096, 2048, 8, 40, false, DType::kBF16, 640};
  auto first = planOf(one), second = planOf(two);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first->symbol, second->symbol);
  EXPECT_EQ(first->source, second->source);
}

void expectCompiles(const Result<LaunchPlan>& plan, const Target& target,
                    std::set<std::string>& seen) {
  ASSERT_TRUE(plan.ok()) << plan.status().message();
  if (!seen.insert(plan->symbol).second)
    return;
  const auto compiled = testing::compile(*plan, target);
  EXPECT_TRUE(compiled.ok) << plan->symbol << "\n" << compiled.log;
  EXPECT_EQ(compiled.spillBytes, 0) << plan->symbol << "\n" << compiled.log;
  // Products one after another, or registers that do not change hands.
  EXPECT_EQ(compiled.log.find("C7512"), std::string::npos) << compiled.log;
  EXPECT_EQ(compiled.log.find("setmaxnreg"), std::string::npos) << compiled.log;
}

TEST(CudaAttention, CompilesForHopperWithoutSpills) {
  if (const std::string reason = testing::whyNoCompiler(); !reason.empty())
    GTEST_SKIP() << reason;
  std::set<std::string> seen;
  for (int64_t width : {8, 40, 48, 64, 72, 80, 88, 128, 160, 256, 512})
    for (const Shape& s :
         {Shape{3, 4096, 4096, 8, width}, Shape{1, 1024, 1024, 8, width},
          Shape{1, 4096, 77, 8, width}, Shape{1, 77, 77, 12, width, true},
          Shape{1, 4096, 4096, 8, width, true}})
      expectCompiles(planOf(s), kHopper, seen);
  expectCompiles(planOf({3, 4096, 4096, 8, 40, false, DType::kF16}), kHopper,
                 seen);
}

TEST(CudaAttention, PlainKernelCompilesForAnyCard) {
  if (const std::string reason = testing::whyNoCompiler(); !reason.empty())
    GTEST_SKIP() << reason;
  std::set<std::string> seen;
  for (DType dtype : {DType::kF32, DType::kBF16, DType::kF16})
    for (int64_t width : {40, 512})
      for (bool causal : {false, true})
        expectCompiles(planOf({1, 77, 77, 2, width, causal, dtype}, kAmpere),
                       kAmpere, seen);
  expectCompiles(planOf({1, 64, 64, 1, 1024, false, DType::kF32}), kHopper,
                 seen);
}

} // namespace
} // namespace burin::kernels::cuda
