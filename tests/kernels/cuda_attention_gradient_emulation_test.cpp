// SPDX-License-Identifier: Apache-2.0
// gradient_sm90.cuh run on the CPU by its plans, against plain loops in double.
#include <random>

#include "gtest/gtest.h"

#include "tests/kernels/emulated/attention/products.h"

#include "kernels/cuda/attention/gradient_sm90.cuh"

#include "kernels/cpu/contracts.h"
#include "kernels/cuda/attention/gradient_sm90.h"

namespace burin::kernels::cuda {
namespace {

using Step = AttentionGradientStep;

struct Case {
  int64_t batch, queries, keys, heads;
  float spread = 1;
};

enum { kQ, kK, kV, kY, kDY, kDQ, kDK, kDV, kTensors };

// Of both kinds, whichever are read: rows of three times the heads, as of
// slices of one product; what is written has 8 more.
class Problem {
public:
  Problem(const Case& c, int64_t width, bool half) : c(c), width(width) {
    block.half = half;
    emulated::block = &block; // for fromFloat
    std::mt19937 engine(static_cast<uint32_t>(c.queries * 131 + c.keys));
    std::normal_distribution<float> normal(0, c.spread);
    for (int i = 0; i < kTensors; ++i) {
      tensors[i].resize((c.batch * tokens(i) - 1) * pitch(i) + columns());
      for (u16& x : tensors[i])
        x = i < kDQ ? emulated::fromFloat(normal(engine)) : 0x7fff;
    }
    statistics.assign(attentionStatisticsBytes(params()) / sizeof(float),
                      std::nanf(""));
  }

  int64_t columns() const { return c.heads * width; }
  int64_t pitch(int tensor) const {
    return tensor < kDQ ? 3 * columns() : columns() + 8;
  }
  int64_t tokens(int tensor) const {
    const bool keys = tensor == kK || tensor == kV || tensor >= kDK;
    return keys ? c.keys : c.queries;
  }
  std::vector<int64_t> params() const {
    return {c.batch, c.queries, c.keys, c.heads, width, 0, doubleBits(scale)};
  }
  double at(int tensor, int64_t row, int64_t column) const {
    return emulated::toFloat(tensors[tensor][row * pitch(tensor) + column]);
  }

  Case c;
  int64_t width;
  double scale = 1 / std::sqrt(static_cast<double>(width));
  emulated::Block block;
  std::vector<u16> tensors[kTensors];
  std::vector<float> statistics;
};

// The tensors of a step's slices, the statistics not among them.
std::vector<int> tensorsOf(Step step) {
  if (step == Step::kQueries)
    return {kQ, kK, kV, kY, kDY, kDQ};
  return {kQ, kK, kV, kDY, kDK, kDV};
}

Result<LaunchPlan> planOf(Step step, const Problem& p,
                          const AttentionGradientConfig& config) {
  std::vector<SliceInfo> slices;
  for (int i : tensorsOf(step))
    slices.push_back({p.block.half ? DType::kF16 : DType::kBF16,
                      p.c.batch * p.tokens(i), p.columns(), p.pitch(i), 16});
  const int64_t bytes = attentionStatisticsBytes(p.params());
  slices.push_back({DType::kU8, 1, bytes, bytes, 256});
  return planGradientSm90(step, AttentionShape(p.params()), slices, config);
}

template <class T, template <class> class Rows>
void launch(Step step, Problem& p) {
  auto plan = planOf(step, p, {T::kTokens, T::kGroups, T::kStages, T::kHeld});
  ASSERT_TRUE(plan.ok()) << plan.status().message();
  ASSERT_EQ(plan->threads, uint32_t{T::kThreads});
  ASSERT_EQ(plan->sharedBytes, uint32_t{T::kSharedBytes});
  ASSERT_EQ(plan->constants.size(), sizeof(GradientProblem));
  GradientProblem problem;
  std::memcpy(&problem, plan->constants.data(), sizeof(problem));
  Views<7> views;
  const std::vector<int> tensors = tensorsOf(step);
  for (size_t i = 0; i < 6; ++i)
    views.view[i] = {p.tensors[tensors[i]].data(), p.pitch(tensors[i])};
  views.view[6] = {p.statistics.data(), 0};
  std::vector<emulated::HostMap> hosts;
  for (const MapPlan& map : plan->maps)
    hosts.push_back({map, &p.tensors[tensors[map.slice]]});
  const size_t count = step == Step::kQueries ? 5 : 6;
  ASSERT_EQ(hosts.size(), T::kWhole > 0 && T::kRest > 0 ? 2 * count : count);
  std::vector<TensorMap> maps(hosts.size());
  for (size_t i = 0; i < hosts.size(); ++i)
    maps[i].opaque[0] = reinterpret_cast<u64>(&hosts[i]);
  const auto pair = [&](size_t i) {
    return Maps{maps[i], maps[i + hosts.size() - count]};
  };
  p.block.sharedBytes = T::kSharedBytes;
  emulated::runGrid(p.block, plan->blocks[0], plan->threads, [&] {
    attentionGradient<T, Rows>(views, {{pair(0), pair(1)}},
                               {{pair(2), pair(3)}}, pair(4), pair(count - 1),
                               problem);
  });
}

struct Expected {
  std::vector<double> sums[3]; // dq, dk, dv: [row][column]

  explicit Expected(const Problem& p) {
    for (int i = 0; i < 3; ++i)
      sums[i].resize(p.c.batch * p.tokens(kDQ + i) * p.columns());
    for (int64_t row = 0; row < p.c.batch * p.c.queries; ++row)
      for (int64_t head = 0; head < p.c.heads; ++head)
        addQuery(p, row, head * p.width);
  }

private:
  static double dot(const Problem& p, int a, int64_t rowA, int b, int64_t rowB,
                    int64_t first) {
    double sum = 0;
    for (int64_t d = first; d < first + p.width; ++d)
      sum += p.at(a, rowA, d) * p.at(b, rowB, d);
    return sum;
  }

  void addQuery(const Problem& p, int64_t query, int64_t first) {
    const int64_t key = query / p.c.queries * p.c.keys;
    const int64_t columns = p.columns();
    std::vector<double> weights(p.c.keys);
    double total = 0;
    for (int64_t j = 0; j < p.c.keys; ++j)
      total += weights[j] =
          std::exp(p.scale * dot(p, kQ, query, kK, key + j, first));
    const double inner = dot(p, kDY, query, kY, query, first);
    for (int64_t j = 0; j < p.c.keys; ++j) {
      const double weight = weights[j] / total;
      const double flow =
          p.scale * weight * (dot(p, kDY, query, kV, key + j, first) - inner);
      for (int64_t d = first; d < first + p.width; ++d) {
        sums[0][query * columns + d] += flow * p.at(kK, key + j, d);
        sums[1][(key + j) * columns + d] += flow * p.at(kQ, query, d);
        sums[2][(key + j) * columns + d] += weight * p.at(kDY, query, d);
      }
    }
  }
};

// Relative, of what was written; and nothing beside it.
void expectGradient(const Problem& p, const Expected& expected, int tensor) {
  const std::vector<double>& sums = expected.sums[tensor - kDQ];
  const int64_t pitch = p.pitch(tensor);
  double error = 0, norm = 0;
  for (int64_t row = 0; row < p.c.batch * p.tokens(tensor); ++row)
    for (int64_t d = 0; d < p.columns(); ++d) {
      const double found = p.at(tensor, row, d);
      const double wanted = sums[row * p.columns() + d];
      error += (found - wanted) * (found - wanted);
      norm += wanted * wanted;
    }
  EXPECT_LT(std::sqrt(error / norm), p.block.half ? 7e-4 : 5e-3) << tensor;
  for (size_t i = 0; i < p.tensors[tensor].size(); ++i)
    if (static_cast<int64_t>(i) % pitch >= p.columns()) {
      ASSERT_EQ(p.tensors[tensor][i], 0x7fff) << tensor;
    }
}

// Both steps, each by its own division of the work.
template <class Queries, class Keys>
void check(const Case& c) {
  static_assert(Queries::kWidth == Keys::kWidth &&
                Queries::kHalf == Keys::kHalf);
  Problem p(c, Queries::kWidth, Queries::kHalf);
  launch<Queries, QueryRows>(Step::kQueries, p);
  for (float x : p.statistics)
    ASSERT_FALSE(std::isnan(x));
  launch<Keys, KeyRows>(Step::kKeys, p);
  const Expected expected(p);
  for (int tensor : {kDQ, kDK, kDV})
    expectGradient(p, expected, tensor);
}

template <int kWidth, int kTokens, int kGroups, int kStages, bool kHeld,
          bool kHalf = false>
using Tile = GradientTile<kWidth, kTokens, kGroups, kStages, kHeld, kHalf>;

TEST(CudaAttentionGradientEmulation, OneBlock) {
  check<Tile<40, 64, 3, 6, false>, Tile<40, 96, 2, 4, false>>({1, 1, 1, 1});
  check<Tile<80, 64, 3, 3, false>, Tile<80, 48, 2, 4, true>>({2, 64, 64, 2});
  check<Tile<64, 128, 2, 4, false>, Tile<64, 64, 2, 4, true>>({1, 65, 77, 1});
}

// Rings that come round, and a last tile of fewer warpgroups.
TEST(CudaAttentionGradientEmulation, Streams) {
  check<Tile<40, 64, 3, 6, false>, Tile<40, 96, 2, 4, false>>({1, 500, 700, 1});
  check<Tile<64, 128, 2, 4, false>, Tile<64, 64, 2, 4, true>>({1, 300, 250, 1});
  check<Tile<80, 64, 3, 3, false>, Tile<80, 48, 2, 4, true>>({1, 300, 333, 1});
  check<Tile<120, 64, 2, 3, false>, Tile<120, 32, 2, 4, false>>(
      {1, 150, 170, 1});
  check<Tile<160, 64, 2, 2, false>, Tile<160, 16, 2, 6, false>>(
      {1, 150, 170, 1});
}

TEST(CudaAttentionGradientEmulation, CrossAttentionToText) {
  check<Tile<40, 96, 1, 2, false>, Tile<40, 64, 1, 3, true>>({2, 200, 77, 2});
  check<Tile<160, 32, 1, 2, false>, Tile<160, 16, 1, 4, false>>({2, 64, 77, 2});
}

// Weights of nearly one, and queries whose greatest score comes late.
TEST(CudaAttentionGradientEmulation, SharpWeights) {
  check<Tile<40, 64, 3, 6, false>, Tile<40, 96, 2, 4, false>>(
      {1, 100, 400, 1, 3});
}

// Queries in registers too.
TEST(CudaAttentionGradientEmulation, Halves) {
  check<Tile<40, 64, 2, 6, true, true>, Tile<40, 96, 2, 4, false, true>>(
      {1, 100, 200, 1});
  check<Tile<80, 64, 3, 3, false, true>, Tile<80, 48, 2, 4, true, true>>(
      {1, 70, 90, 1});
}

} // namespace
} // namespace burin::kernels::cuda
