// SPDX-License-Identifier: Apache-2.0
// The bounds that kernels/cuda/common/erf.cuh states, which hold for every
// float: here for one in 61.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "kernels/cuda/common/erf.cuh"

namespace {

struct Errors {
  double absolute = 0, relative = 0;
  double gelu = 0, geluOfItself = 0; // the latter of positive numbers
};

// x is what erf is taken of: gelu's argument is sqrt(2) x.
void add(Errors& worst, float x) {
  const double exact = std::erf(static_cast<double>(x));
  const double error = std::abs(erfUpToEnd(std::min(x, kErfEnd)) - exact);
  worst.absolute = std::max(worst.absolute, error);
  worst.relative = std::max(worst.relative, error / exact);
  worst.gelu = std::max(worst.gelu, error * x / std::numbers::sqrt2);
  worst.geluOfItself = std::max(worst.geluOfItself, error / (1 + exact));
}

TEST(CudaErf, StaysWithinItsBounds) {
  Errors worst;
  const auto first = std::bit_cast<uint32_t>(0x1p-126f);
  const auto last = std::bit_cast<uint32_t>(6.0f);
  for (uint32_t bits = first; bits <= last; bits += 61)
    add(worst, std::bit_cast<float>(bits));
  EXPECT_LT(worst.absolute, 7.7e-5);
  EXPECT_LT(worst.relative, 1.4e-4);
  EXPECT_LT(worst.gelu, 1.6e-4);
  EXPECT_LT(worst.geluOfItself, 4.6e-5);
}

// gelu(x) of a large negative x is 0 only if 1 - erf is.
TEST(CudaErf, IsOneAtItsEnd) {
  EXPECT_EQ(erfUpToEnd(kErfEnd), 1.0f);
}

TEST(CudaErf, KeepsZero) {
  EXPECT_EQ(erfUpToEnd(0.0f), 0.0f);
}

} // namespace
