// SPDX-License-Identifier: Apache-2.0
// Gathering rows and drawing normals, and the catalogue itself.
#include <cmath>
#include <cstring>
#include <set>

#include "gtest/gtest.h"

#include "kernels/cpu/contracts.h"
#include "kernels/cpu/random_normal/random_normal.h"
#include "runtime/base/philox.h"
#include "tests/kernels/harness.h"

namespace burin::kernels::testing {
namespace {

TEST(Catalog, NamesAreUniqueAndFound) {
  for (const auto isa : cpuInstructionSets()) {
    std::set<std::string_view> names;
    for (const CpuKernel& kernel : cpuKernels(isa)) {
      EXPECT_TRUE(names.insert(kernel.name).second) << kernel.name;
      EXPECT_NE(findCpuKernel(kernel.name), nullptr) << kernel.name;
    }
    EXPECT_FALSE(names.empty()) << isa;
  }
  EXPECT_EQ(findCpuKernel("contract.f17"), nullptr);
  EXPECT_TRUE(cpuKernels("mmx").empty());
}

// Whatever a broken module says, the functions behind `check` never overflow.
TEST(Catalog, RefusesSizesThatOverflow) {
  for (const CpuKernel& kernel : cpuKernels("generic"))
    for (const int64_t size : {INT64_MIN, int64_t{-1}, int64_t{INT32_MAX},
                               int64_t{INT32_MAX} + 1, INT64_MAX}) {
      const std::vector<int64_t> params(kernel.paramCount, size);
      if (kernel.name == "random_normal.f32" && size > 0 && size < INT64_MAX)
        continue; // a single size of 2^31 is no more than that
      EXPECT_NE(kernel.check(params), "") << kernel.name << " " << size;
    }
}

template <typename Index>
void gatherTest() {
  Random random;
  SCOPED_TRACE("seed " + std::to_string(random.seed()));
  const int64_t rows = 12, width = 5, count = 6, groups = 3;
  const auto table = random.normals(rows * 7);
  std::vector<Index> index(count);
  for (Index& i : index)
    i = static_cast<Index>(random.whole(0, rows / groups - 1));
  index[2] = -1;
  index[5] = rows / groups;
  std::vector<float> out(count * 6, -1.f);
  runKernel(*findCpuKernel("gather_rows"),
            {view(table, 7), view(index, 1), view(out, 6)},
            {rows, width, count, groups, 4, sizeof(Index)},
            random.shuffled(count));
  for (int64_t i = 0; i < count; ++i)
    for (int64_t c = 0; c < width; ++c) {
      const int64_t row = i / (count / groups) * (rows / groups) + index[i];
      if (i == 2 || i == 5)
        EXPECT_TRUE(std::isnan(out[i * 6 + c]));
      else
        EXPECT_EQ(out[i * 6 + c], table[row * 7 + c]);
      EXPECT_EQ(out[i * 6 + width], -1.f);
    }
}

TEST(GatherRows, TakesRowsByEitherIndexType) {
  gatherTest<int32_t>();
  gatherTest<int64_t>();
}

// Known answers of Philox4x32-10 published with Random123.
TEST(RandomNormal, PhiloxKnownAnswers) {
  using Words = std::array<uint32_t, 4>;
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}),
            (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  const uint32_t f = 0xffffffff;
  EXPECT_EQ(philox4x32({f, f, f, f}, {f, f}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
                       {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

std::vector<float> draw(int64_t seed, int64_t offset, int64_t count,
                        Random& random) {
  const std::vector<int64_t> stream = {seed, offset};
  std::vector<float> out(count);
  const CpuKernel& kernel = *findCpuKernel("random_normal.f32");
  runKernel(kernel, {view(stream, 2), view(out, count)}, {count},
            random.shuffled(kernel.workItems(std::vector{count})));
  return out;
}

TEST(RandomNormal, DependsOnThePositionAlone) {
  Random random;
  const int64_t seed = random.whole(INT64_MIN, INT64_MAX);
  SCOPED_TRACE("stream seed " + std::to_string(seed));
  const auto all = draw(seed, 0, 10001, random);
  const auto later = draw(seed, 1000, 6001, random);
  EXPECT_TRUE(std::equal(later.begin(), later.end(), all.begin() + 4000));
  EXPECT_NE(draw(seed + 1, 0, 4, random), draw(seed, 0, 4, random));
}

// Mean, variance, skewness and kurtosis of n draws, at five standard errors:
// fixed seed, so this either always holds or never.
TEST(RandomNormal, HasTheMomentsOfANormal) {
  Random random;
  const auto x = draw(20260101, 0, 1 << 20, random);
  const double n = static_cast<double>(x.size());
  double moment[5] = {};
  for (const float value : x)
    for (int k = 1; k <= 4; ++k)
      moment[k] += std::pow(double{value}, k) / n;
  EXPECT_NEAR(moment[1], 0, 5 * std::sqrt(1 / n));
  EXPECT_NEAR(moment[2], 1, 5 * std::sqrt(2 / n));
  EXPECT_NEAR(moment[3], 0, 5 * std::sqrt(15 / n));
  EXPECT_NEAR(moment[4], 3, 5 * std::sqrt(96 / n));
}

} // namespace
} // namespace burin::kernels::testing
