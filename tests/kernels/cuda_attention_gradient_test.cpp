// SPDX-License-Identifier: Apache-2.0
// Plans of attention's gradients: both steps, their grids and refusals, and
// whether the texts compile without spills.
#include <cstring>
#include <set>

#include "gtest/gtest.h"

#include "kernels/cpu/contracts.h"
#include "kernels/cuda/attention/gradient_sm90.h"
#include "tests/kernels/cuda_compile.h"

namespace burin::kernels::cuda {
namespace {

const Target kHopper = {"sm_90a", 90};
const Target kAmpere = {"sm_80", 80};

struct Shape {
  int64_t batch, queries, keys, heads, width;
  bool causal = false;
  DType dtype = DType::kBF16;
  int64_t extra = 0; // what the pitch exceeds the heads by
  int64_t alignment = 16;
  double scale = 0.125;

  std::vector<int64_t> params() const {
    return {batch, queries, keys, heads, width, causal, doubleBits(scale)};
  }
};

using Step = AttentionGradientStep;

// q, k, v, y, dy, dq, statistics, or q, k, v, dy, dk, dv, statistics.
std::vector<SliceInfo> slicesOf(const Shape& s, Step step) {
  const int64_t extent = s.heads * s.width;
  const auto slice = [&](int64_t tokens) {
    return SliceInfo{s.dtype, s.batch * tokens, extent, extent + s.extra,
                     s.alignment};
  };
  const int64_t changed = step == Step::kQueries ? s.queries : s.keys;
  const int64_t bytes = attentionStatisticsBytes(s.params());
  return {slice(s.queries),
          slice(s.keys),
          slice(s.keys),
          slice(s.queries),
          slice(changed),
          slice(changed),
          {DType::kU8, 1, bytes, bytes, 256}};
}

Result<LaunchPlan> planOf(const Shape& s, Step step,
                          const std::vector<SliceInfo>& slices,
                          const Target& target = kHopper) {
  return planAttentionGradient(step, s.params(), slices, target);
}
Result<LaunchPlan> planOf(const Shape& s, Step step,
                          const Target& target = kHopper) {
  return planOf(s, step, slicesOf(s, step), target);
}

// The constants of the texts.
struct PlainProblem {
  int32_t heads, tiles, queries, keys, width;
};
struct HopperProblem {
  int32_t heads, tiles, rows, streamed, images;
};
template <typename Constants>
Constants constantsOf(const LaunchPlan& plan) {
  Constants constants;
  std::memcpy(&constants, plan.constants.data(), sizeof(constants));
  return constants;
}

bool isPlain(const LaunchPlan& plan) {
  return plan.symbol.find("_simt_") != std::string::npos;
}

// Two floats a query, of which a head has a multiple of 384.
TEST(CudaAttentionGradient, StatisticsOfWholeBlocks) {
  const auto bytes = [](const Shape& s) {
    return attentionStatisticsBytes(s.params());
  };
  EXPECT_EQ(bytes({2, 1, 77, 3, 40}), 2 * 3 * 384 * 8);
  EXPECT_EQ(bytes({2, 384, 77, 3, 40}), 2 * 3 * 384 * 8);
  EXPECT_EQ(bytes({1, 4096, 77, 8, 40}), 8 * 4224 * 8);
}

TEST(CudaAttentionGradient, PlainStepsGiveAWarpToEachToken) {
  for (const Shape& s :
       {Shape{1, 77, 77, 12, 64, true, DType::kF32}, Shape{2, 5, 300, 3, 7},
        Shape{1, 64, 64, 1, 1024, false, DType::kF16}}) {
    auto queries = planOf(s, Step::kQueries, kAmpere);
    auto keys = planOf(s, Step::kKeys, kAmpere);
    ASSERT_TRUE(queries.ok()) << queries.status().message();
    ASSERT_TRUE(keys.ok()) << keys.status().message();
    EXPECT_TRUE(queries->symbol.starts_with("attention_query_gradient_simt_"));
    EXPECT_TRUE(keys->symbol.starts_with("attention_key_gradient_simt_"));
    const int64_t padded = (s.queries + 383) / 384 * 384;
    EXPECT_EQ(constantsOf<PlainProblem>(*queries).tiles, padded / 4);
    EXPECT_EQ(constantsOf<PlainProblem>(*keys).tiles, (s.keys + 3) / 4);
    for (const LaunchPlan* plan : {&*queries, &*keys}) {
      EXPECT_EQ(plan->threads, 128u);
      EXPECT_EQ(plan->blocks[0],
                constantsOf<PlainProblem>(*plan).tiles * s.heads * s.batch);
      EXPECT_TRUE(plan->maps.empty());
    }
  }
}

// Boxes lie within what a copy engine takes, and extents and strides reach to
// the last element of the slice and not beyond it.
void expectMap(const MapPlan& map, const SliceInfo& slice, const Shape& s,
               int64_t columns, int64_t rows) {
  EXPECT_EQ(map.box, (std::vector<uint32_t>{static_cast<uint32_t>(columns), 1,
                                            static_cast<uint32_t>(rows), 1}));
  EXPECT_EQ(map.swizzle, 128);
  ASSERT_EQ(map.extents.size(), 4u);
  ASSERT_EQ(map.strides.size(), 3u);
  uint64_t last = map.extents[0] * 2;
  for (size_t d = 0; d < 3; ++d) {
    EXPECT_EQ(map.strides[d] % 16, 0u);
    last += (map.extents[d + 1] - 1) * map.strides[d];
  }
  EXPECT_EQ(last,
            static_cast<uint64_t>(
                ((slice.rows - 1) * slice.pitch + s.heads * s.width) * 2));
}

// What stays, what passes and what is written, once for each kind of box.
void expectMaps(const LaunchPlan& plan, const Shape& s, Step step,
                const AttentionGradientConfig& config) {
  const std::vector<uint32_t> order =
      step == Step::kQueries ? std::vector<uint32_t>{0, 4, 1, 2, 5}
                             : std::vector<uint32_t>{1, 2, 0, 3, 4, 5};
  std::vector<int64_t> boxes;
  if (s.width >= 64)
    boxes.push_back(64);
  if (s.width % 64 > 0)
    boxes.push_back(s.width % 64);
  ASSERT_EQ(plan.maps.size(), order.size() * boxes.size());
  const auto slices = slicesOf(s, step);
  for (size_t m = 0; m < plan.maps.size(); ++m) {
    const size_t i = m % order.size();
    EXPECT_EQ(plan.maps[m].slice, order[i]);
    expectMap(plan.maps[m], slices[order[i]], s, boxes[m / order.size()],
              i == 2 || i == 3 ? config.tokens : 64);
  }
}

TEST(CudaAttentionGradient, EveryWidthHasAPlanForHopper) {
  constexpr int64_t kMaxShared = 227 * 1024; // of a block
  for (Step step : {Step::kQueries, Step::kKeys})
    for (int64_t width = 8; width <= 160; width += 8)
      for (const Shape& s :
           {Shape{3, 4096, 4096, 8, width}, Shape{1, 1, 1, 1, width},
            Shape{2, 65, 333, 3, width},
            Shape{1, 100, 60, 2, width, false, DType::kF16, 2 * width}}) {
        const auto config = *attentionGradientConfig(step, width);
        auto plan = planOf(s, step);
        ASSERT_TRUE(plan.ok()) << plan.status().message();
        SCOPED_TRACE(plan->symbol);
        EXPECT_FALSE(isPlain(*plan));
        expectMaps(*plan, s, step, config);
        const auto problem = constantsOf<HopperProblem>(*plan);
        const bool queries = step == Step::kQueries;
        EXPECT_EQ(problem.rows, queries ? s.queries : s.keys);
        EXPECT_EQ(problem.streamed, queries ? s.keys : s.queries);
        EXPECT_GE(problem.tiles * 64 * config.groups, problem.rows);
        EXPECT_LT((problem.tiles - 1) * 64 * config.groups, problem.rows);
        EXPECT_EQ(plan->blocks[0], problem.tiles * s.heads * s.batch);
        EXPECT_EQ(plan->threads, 128u * (config.groups + 1));
        EXPECT_LE(plan->sharedBytes, kMaxShared);
      }
}

TEST(CudaAttentionGradient, PlansThePlainTextWhereTensorMapsCannotServe) {
  const Shape kShapes[] = {
      {1, 4096, 4096, 8, 40, false, DType::kF32},
      {1, 77, 77, 12, 64, true},
      {1, 77, 77, 12, 64, false, DType::kBF16, 4}, // pitch of 8 bytes
      {1, 77, 77, 12, 64, false, DType::kBF16, 0, 8},
      {1, 64, 64, 2, 20},
      {1, 64, 64, 2, 168},
      {1, 64, 64, 2, 64, false, DType::kBF16, 0, 16, -1.0},
  };
  for (Step step : {Step::kQueries, Step::kKeys}) {
    for (const Shape& s : kShapes) {
      auto plan = planOf(s, step);
      ASSERT_TRUE(plan.ok()) << plan.status().message();
      EXPECT_TRUE(isPlain(*plan)) << plan->symbol;
    }
    auto plan = planOf({3, 4096, 4096, 8, 40}, step, kAmpere);
    ASSERT_TRUE(plan.ok());
    EXPECT_TRUE(isPlain(*plan));
    plan = planOf({3, 4096, 4096, 8, 40}, step);
    ASSERT_TRUE(plan.ok());
    EXPECT_FALSE(isPlain(*plan));
  }
}

TEST(CudaAttentionGradient, RefusesWithAReason) {
  const Shape s = {2, 64, 96, 2, 64};
  const auto expect = [](const Result<LaunchPlan>& plan, const char* part) {
    const std::string message =
        plan.ok() ? std::string("a plan") : plan.status().message();
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  for (Step step : {Step::kQueries, Step::kKeys}) {
    expect(planOf({1, 0, 64, 2, 64}, step), "sizes must be positive");
    expect(planOf({1, 65, 64, 2, 64, true}, step), "as many queries as keys");
    expect(planOf({1, 64, 64, 1, 2000}, step), "at most 1024");
    expect(planOf({1, 64, 64, 2, 64, false, DType::kI32}, step),
           "f32, bf16 or f16");
    auto slices = slicesOf(s, step);
    slices[1].rows = 64;
    expect(planOf(s, step, slices), "k has 64 rows");
    slices = slicesOf(s, step);
    slices[6].extent -= 8;
    expect(planOf(s, step, slices), "they need 12288");
    slices = slicesOf(s, step);
    slices[5].dtype = DType::kF32;
    expect(planOf(s, step, slices), step == Step::kQueries
                                        ? "dq is 128 rows of 128 f32"
                                        : "dv is 192 rows of 128 f32");
    slices = slicesOf(s, step);
    slices[4].rows = 3;
    expect(planOf(s, step, slices),
           step == Step::kQueries ? "dy is 3 rows" : "dk is 3 rows");
    slices.pop_back();
    expect(planOf(s, step, slices), "7 slices, not 6");
  }
}

TEST(CudaAttentionGradient, EqualTextsHaveEqualSymbols) {
  for (Step step : {Step::kQueries, Step::kKeys}) {
    auto first = planOf({3, 4096, 4096, 8, 40}, step);
    auto second = planOf({1, 4096, 2048, 8, 40, false, DType::kBF16, 8}, step);
    ASSERT_TRUE(first.ok() && second.ok());
    EXPECT_EQ(first->symbol, second->symbol);
    EXPECT_EQ(first->source, second->source);
  }
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

TEST(CudaAttentionGradient, CompilesForHopperWithoutSpills) {
  if (const std::string reason = testing::whyNoCompiler(); !reason.empty())
    GTEST_SKIP() << reason;
  std::set<std::string> seen;
  for (Step step : {Step::kQueries, Step::kKeys}) {
    for (int64_t width : {8, 40, 48, 64, 80, 128, 160})
      for (const Shape& s :
           {Shape{32, 4096, 4096, 8, width}, Shape{32, 4096, 77, 8, width},
            Shape{1, 64, 64, 8, width}})
        expectCompiles(planOf(s, step), kHopper, seen);
    expectCompiles(planOf({1, 4096, 4096, 8, 40, false, DType::kF16}, step),
                   kHopper, seen);
  }
}

TEST(CudaAttentionGradient, PlainStepsCompileForAnyCard) {
  if (const std::string reason = testing::whyNoCompiler(); !reason.empty())
    GTEST_SKIP() << reason;
  std::set<std::string> seen;
  for (Step step : {Step::kQueries, Step::kKeys}) {
    for (DType dtype : {DType::kF32, DType::kBF16, DType::kF16})
      for (int64_t width : {40, 512})
        for (bool causal : {false, true})
          expectCompiles(
              planOf({1, 77, 77, 2, width, causal, dtype}, step, kAmpere),
              kAmpere, seen);
    expectCompiles(planOf({1, 64, 64, 1, 1024, false, DType::kF32}, step),
                   kHopper, seen);
  }
}

} // namespace
} // namespace burin::kernels::cuda
