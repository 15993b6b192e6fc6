// SPDX-License-Identifier: Apache-2.0
// The warpgroup products that texts of attention declare, on the CPU.
#pragma once

#include "attention/hopper.cuh"

template <int kN>
struct ScoreProduct {
  static void add(float (&d)[kN / 2], u64 a, u64 b, int accumulate) {
    const int lane = threadIdx.x % 32;
    const int row = threadIdx.x % 128 / 32 * 16 + lane / 4;
    for (int i = 0; i < kN / 2; ++i) {
      float sum = accumulate ? d[i] : 0;
      for (int k = 0; k < 16; ++k)
        sum += emulated::across(a, row + (i % 4 < 2 ? 0 : 8), k) *
               emulated::across(b, i / 4 * 8 + lane % 4 * 2 + i % 2, k);
      d[i] = sum;
    }
  }
};

namespace emulated {

// Rows row and row + 8 of a first operand in registers: register j holds two
// columns of row j % 2 * 8.
struct OperandRows {
  float rows[2][16];

  explicit OperandRows(const u32 (&a)[4]) {
    const int lane = threadIdx.x % 32;
    Warp& warp = emulated::warp();
    std::copy(a, a + 4, warp.operands[lane]);
    warp.meet();
    for (int t = 0; t < 4; ++t)
      for (int j = 0; j < 4; ++j)
        for (int e = 0; e < 2; ++e)
          rows[j % 2][j / 2 * 8 + t * 2 + e] = toFloat(
              static_cast<u16>(warp.operands[lane / 4 * 4 + t][j] >> (16 * e)));
    warp.meet();
  }
};

} // namespace emulated

template <int kN>
struct HeldScoreProduct {
  static void add(float (&d)[kN / 2], const u32 (&a)[4], u64 b,
                  int accumulate) {
    const int lane = threadIdx.x % 32;
    const emulated::OperandRows first(a);
    for (int i = 0; i < kN / 2; ++i) {
      float sum = accumulate ? d[i] : 0;
      for (int k = 0; k < 16; ++k)
        sum += first.rows[i % 4 / 2][k] *
               emulated::across(b, i / 4 * 8 + lane % 4 * 2 + i % 2, k);
      d[i] = sum;
    }
  }
};

template <int kN>
struct OutputProduct {
  static void add(float (&d)[kN / 2], const u32 (&a)[4], u64 b, int) {
    const int lane = threadIdx.x % 32;
    const emulated::OperandRows first(a);
    for (int i = 0; i < kN / 2; ++i)
      for (int k = 0; k < 16; ++k)
        d[i] += first.rows[i % 4 / 2][k] *
                emulated::along(b, k, i / 4 * 8 + lane % 4 * 2 + i % 2);
  }
};
