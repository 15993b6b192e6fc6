// SPDX-License-Identifier: Apache-2.0
// attention_sm90.cuh run on the CPU by its plan, against plain loops in double.
#include <random>

#include "gtest/gtest.h"

#include "kernels/cuda/attention/attention_sm90.cuh"

#include "kernels/cpu/contracts.h"
#include "kernels/cuda/attention/plan.h"
#include "tests/kernels/emulated/attention/products.h"

namespace burin::kernels::cuda {
namespace {

struct Case {
  int64_t batch, queries, keys, heads;
  float spread = 1;
  int32_t tiles = 0; // blocks of a head, where not those of the plan
};

// Operands in rows of three times the heads, the output in rows of 8 more.
template <class T>
struct Run {
  Case c;
  int64_t columns = c.heads * T::kWidth;
  int64_t pitch = 3 * columns, outPitch = columns + 8;
  double scale = 1 / std::sqrt(double{T::kWidth});
  emulated::Block block;
  std::vector<u16> q, k, v, out;

  explicit Run(const Case& c) : c(c) {
    block.half = T::kHalf;
    block.sharedBytes = T::kSharedBytes;
    emulated::block = &block; // for fromFloat
    std::mt19937 engine(static_cast<uint32_t>(c.queries * 131 + c.keys));
    std::normal_distribution<float> normal(0, c.spread);
    const auto fill = [&](std::vector<u16>& to, int64_t tokens) {
      to.resize((c.batch * tokens - 1) * pitch + columns);
      for (u16& x : to)
        x = emulated::fromFloat(normal(engine));
    };
    fill(q, c.queries);
    fill(k, c.keys);
    fill(v, c.keys);
    out.assign((c.batch * c.queries - 1) * outPitch + columns, 0x7fff);
  }

  Result<LaunchPlan> plan(const AttentionConfig& config) const {
    const std::vector<int64_t> params = {
        c.batch,   c.queries,  c.keys,           c.heads,
        T::kWidth, T::kCausal, doubleBits(scale)};
    const auto slice = [&](int64_t tokens, int64_t rowPitch) {
      return SliceInfo{T::kHalf ? DType::kF16 : DType::kBF16, c.batch * tokens,
                       columns, rowPitch, 16};
    };
    const std::array<SliceInfo, 4> slices = {
        slice(c.queries, pitch), slice(c.keys, pitch), slice(c.keys, pitch),
        slice(c.queries, outPitch)};
    return planAttention(params, slices, {"sm_90a", 90}, {.config = config});
  }

  void launch(const LaunchPlan& plan) {
    ASSERT_EQ(plan.threads, uint32_t{T::kThreads});
    ASSERT_EQ(plan.constants.size(), sizeof(::Problem));
    ::Problem problem;
    std::memcpy(&problem, plan.constants.data(), sizeof(problem));
    uint32_t blocks = plan.blocks[0];
    if (c.tiles > 0) {
      blocks = blocks / problem.tiles * c.tiles;
      problem.tiles = c.tiles;
    }
    ASSERT_EQ(plan.maps.size(), T::kWhole > 0 && T::kRest > 0 ? 8u : 4u);
    std::vector<emulated::HostMap> hosts;
    TensorMap maps[8] = {};
    std::vector<u16>* data[] = {&q, &k, &v, &out};
    for (const MapPlan& map : plan.maps)
      hosts.push_back({map, data[map.slice]});
    for (size_t i = 0; i < 8; ++i)
      maps[i].opaque[0] = reinterpret_cast<u64>(&hosts[i % hosts.size()]);
    emulated::runGrid(block, blocks, plan.threads, [&] {
      attention<T>({maps[0], maps[4]}, {maps[1], maps[5]}, {maps[2], maps[6]},
                   {maps[3], maps[7]}, problem);
    });
  }

  double dot(int64_t queryRow, int64_t keyRow, int64_t head) const {
    double sum = 0;
    for (int64_t d = head * T::kWidth; d < (head + 1) * T::kWidth; ++d)
      sum += double{emulated::toFloat(q[queryRow * pitch + d])} *
             emulated::toFloat(k[keyRow * pitch + d]);
    return sum;
  }

  // |out - softmax(scale Q K^T) V| / |softmax(scale Q K^T) V|
  double error() const {
    double error = 0, norm = 0;
    for (int64_t row = 0; row < c.batch * c.queries; ++row)
      for (int64_t head = 0; head < c.heads; ++head) {
        const int64_t seen = T::kCausal ? row % c.queries + 1 : c.keys;
        const int64_t first = row / c.queries * c.keys;
        std::vector<double> weights(seen);
        double sum = 0;
        for (int64_t j = 0; j < seen; ++j)
          sum += weights[j] = std::exp(scale * dot(row, first + j, head));
        for (int64_t d = head * T::kWidth; d < (head + 1) * T::kWidth; ++d) {
          double expected = 0;
          for (int64_t j = 0; j < seen; ++j)
            expected += weights[j] / sum *
                        emulated::toFloat(v[(first + j) * pitch + d]);
          const double found = emulated::toFloat(out[row * outPitch + d]);
          error += (found - expected) * (found - expected);
          norm += expected * expected;
        }
      }
    return std::sqrt(error / norm);
  }

  int64_t written() const { // outside of the rows
    int64_t count = 0;
    for (size_t i = 0; i < out.size(); ++i)
      count +=
          static_cast<int64_t>(i) % outPitch >= columns && out[i] != 0x7fff;
    return count;
  }
};

template <int kWidth, int kKeys, int kGroups, int kStages, int kBlocks,
          bool kTurns, bool kCausal, bool kHalf>
void check(const Case& c) {
  constexpr int kSlices = kWidth > 256 ? 2 : 1;
  using T = Tile<kWidth, kKeys, kGroups, kStages, kBlocks, kTurns, kSlices,
                 kCausal, kHalf>;
  Run<T> run(c);
  auto plan = run.plan({kKeys, kGroups, kStages, kBlocks, kTurns});
  ASSERT_TRUE(plan.ok()) << plan.status().message();
  run.launch(*plan);
  EXPECT_LT(run.error(), kHalf ? 5e-4 : 4e-3) << plan->symbol;
  EXPECT_EQ(run.written(), 0) << plan->symbol;
}

TEST(CudaAttentionEmulation, Text) {
  check<64, 80, 1, 1, 3, false, true, false>({2, 77, 77, 2});
  check<40, 80, 2, 1, 3, false, false, false>({1, 300, 77, 1});
  check<8, 80, 2, 1, 3, false, false, true>({1, 1, 1, 1});
  check<80, 80, 1, 1, 3, false, false, false>({1, 65, 80, 1});
  check<160, 64, 1, 1, 2, false, false, false>({1, 130, 50, 1});
}

// As on smaller cards, where a block takes several tiles: through both slots of
// queries and back to the first, the last ones with fewer queries.
TEST(CudaAttentionEmulation, QueriesStreamPastKeysThatStay) {
  check<40, 80, 2, 1, 3, false, false, false>({2, 700, 77, 2, 1, 2});
  check<88, 80, 1, 1, 2, false, false, true>({1, 350, 33, 2, 1, 1});
  check<64, 80, 1, 1, 3, false, true, false>({2, 70, 70, 1, 1, 1});
}

TEST(CudaAttentionEmulation, StreamsOfKeys) {
  check<40, 128, 3, 4, 1, true, false, false>({1, 200, 700, 2});
  check<40, 64, 4, 5, 1, true, false, true>({2, 65, 333, 1});
  check<72, 128, 2, 3, 1, true, false, false>({1, 130, 500, 1});
  check<80, 64, 3, 4, 1, false, false, false>({2, 260, 400, 1});
  check<88, 64, 1, 3, 2, false, false, false>({2, 65, 129, 2});
  check<160, 64, 1, 4, 1, false, false, false>({2, 64, 333, 1});
}

TEST(CudaAttentionEmulation, CausalWithWholeBlocksHidden) {
  check<40, 128, 3, 4, 1, true, true, false>({1, 400, 400, 1, 3});
  check<64, 64, 4, 5, 1, true, true, false>({1, 300, 300, 1, 4});
  check<128, 128, 2, 3, 1, true, true, true>({1, 300, 300, 1});
}

TEST(CudaAttentionEmulation, SlicesOfWideHeads) {
  check<512, 32, 1, 3, 1, false, false, false>({1, 65, 150, 1});
  check<512, 32, 2, 2, 1, false, false, false>({1, 150, 170, 1, 2});
  check<384, 32, 2, 2, 1, false, true, true>({1, 100, 100, 1});
}

} // namespace
} // namespace burin::kernels::cuda
