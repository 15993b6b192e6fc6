// SPDX-License-Identifier: Apache-2.0
// GroupNorm's factors against two passes in double, far from zero as well.
#include <cmath>

#include "gtest/gtest.h"

#include "kernels/cpu/contracts.h"
#include "tests/kernels/harness.h"

namespace burin::kernels::testing {
namespace {

struct Shape {
  int64_t batch, pixels, channels, groups;
};

const Shape kShapes[] = {
    {1, 1, 4, 2},      {1, 64, 320, 32},  {3, 100, 320, 32}, {2, 77, 30, 5},
    {1, 1000, 64, 32}, {2, 65, 1920, 32}, {1, 300, 7, 1},    {1, 50, 13, 13},
};
constexpr double kEpsilon = 1e-5;

class GroupAffineTest : public ::testing::TestWithParam<std::string> {};

// Data are `offset` plus normals; compares both factors.
void compare(const std::string& isa, const Shape& s, bool bf16, float offset) {
  Random random;
  SCOPED_TRACE("seed " + std::to_string(random.seed()) + " channels " +
               std::to_string(s.channels) + " offset " +
               std::to_string(offset));
  const int64_t pitch = s.channels + random.whole(0, 20);
  auto x = random.normals(s.batch * s.pixels * pitch);
  for (float& value : x)
    value += offset;
  const auto narrow = toBF16(x);
  if (bf16)
    x = fromBF16(narrow);
  const auto gamma = random.normals(s.channels);
  const auto beta = toBF16(random.normals(s.channels));
  const auto gammaBF16 = toBF16(gamma);
  std::vector<float> scale(s.batch * s.channels), shift(s.batch * s.channels);
  const std::vector<int64_t> params = {s.batch,
                                       s.pixels,
                                       s.channels,
                                       s.groups,
                                       doubleBits(kEpsilon),
                                       static_cast<int64_t>(DType::kBF16)};
  const CpuKernel& kernel =
      kernelOf(isa, bf16 ? "group_affine.bf16" : "group_affine.f32");
  runKernel(kernel,
            {bf16 ? view(narrow, pitch) : view(x, pitch), view(gammaBF16, 1),
             view(beta, 1), view(scale, s.channels), view(shift, s.channels)},
            params, random.shuffled(kernel.workItems(params)));

  const int64_t width = s.channels / s.groups;
  for (int64_t b = 0; b < s.batch; ++b)
    for (int64_t g = 0; g < s.groups; ++g) {
      double mean = 0, variance = 0;
      const double n = static_cast<double>(s.pixels * width);
      auto each = [&](auto visit) {
        for (int64_t i = 0; i < s.pixels; ++i)
          for (int64_t c = 0; c < width; ++c)
            visit(double{x[(b * s.pixels + i) * pitch + g * width + c]});
      };
      each([&](double value) { mean += value / n; });
      each([&](double value) {
        variance += (value - mean) * (value - mean) / n;
      });
      for (int64_t c = g * width; c < (g + 1) * width; ++c) {
        const double expected =
            bf16ToFloat(gammaBF16[c]) / std::sqrt(variance + kEpsilon);
        const double bias = bf16ToFloat(beta[c]) - mean * expected;
        const int64_t at = b * s.channels + c;
        ASSERT_NEAR(scale[at], expected, 1e-6 * std::abs(expected));
        ASSERT_NEAR(shift[at], bias,
                    1e-6 * (std::abs(mean * expected) + std::abs(bias) + 1));
      }
    }
}

TEST_P(GroupAffineTest, AgreesWithTwoPassesInDouble) {
  for (const Shape& shape : kShapes)
    for (const bool bf16 : {false, true})
      for (const float offset : {0.f, 1000.f})
        compare(GetParam(), shape, bf16, offset);
}

TEST_P(GroupAffineTest, RefusesChannelsThatDoNotDivide) {
  const std::vector<int64_t> params = {
      1, 4, 10, 3, doubleBits(kEpsilon), static_cast<int64_t>(DType::kF32)};
  EXPECT_NE(kernelOf(GetParam(), "group_affine.f32").check(params), "");
}

INSTANTIATE_TEST_SUITE_P(Isa, GroupAffineTest,
                         ::testing::ValuesIn(instructionSets()),
                         [](const auto& info) { return info.param; });

} // namespace
} // namespace burin::kernels::testing
