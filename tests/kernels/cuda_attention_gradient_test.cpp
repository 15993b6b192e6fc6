// SPDX-License-Identifier: Apache-2.0
// Plans of attention's gradients: both steps, their grids and refusals, and
// whether the texts compile without spills.
#include <cstring>
#include <set>

#include "gtest/gtest.h"

#include "kernels/cpu/contracts.h"
#include "kernels/cuda/attention/gradient.h"
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

enum class Step { kQueries, kKeys };

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
  return step == Step::kQueries
             ? planAttentionQueryGradient(s.params(), slices, target)
             : planAttentionKeyGradient(s.params(), slices, target);
}
Result<LaunchPlan> planOf(const Shape& s, Step step,
                          const Target& target = kHopper) {
  return planOf(s, step, slicesOf(s, step), target);
}

// The constants of all texts begin so.
struct Head {
  int32_t heads, tiles;
};
Head headOf(const LaunchPlan& plan) {
  Head head;
  std::memcpy(&head, plan.constants.data(), sizeof(head));
  return head;
}

// Two floats a query, of which a head has a multiple of 128.
TEST(CudaAttentionGradient, StatisticsOfWholeBlocks) {
  const auto bytes = [](const Shape& s) {
    return attentionStatisticsBytes(s.params());
  };
  EXPECT_EQ(bytes({2, 1, 77, 3, 40}), 2 * 3 * 128 * 8);
  EXPECT_EQ(bytes({2, 128, 77, 3, 40}), 2 * 3 * 128 * 8);
  EXPECT_EQ(bytes({1, 4096, 77, 8, 40}), 8 * 4096 * 8);
  EXPECT_EQ(bytes({1, 129, 77, 8, 40}), 8 * 256 * 8);
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
    const int64_t padded = (s.queries + 127) / 128 * 128;
    EXPECT_EQ(headOf(*queries).tiles, padded / 4);
    EXPECT_EQ(headOf(*keys).tiles, (s.keys + 3) / 4);
    for (const LaunchPlan* plan : {&*queries, &*keys}) {
      EXPECT_EQ(plan->threads, 128u);
      EXPECT_EQ(plan->blocks[0], headOf(*plan).tiles * s.heads * s.batch);
      EXPECT_TRUE(plan->maps.empty());
    }
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
    expect(planOf(s, step, slices), "they need 4096");
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
