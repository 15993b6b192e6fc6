// SPDX-License-Identifier: Apache-2.0
// The micro-kernel under every contraction and attention: a block of rows
// times a packed panel, accumulated in registers.
//
// Registers, AVX-512: 6 rows x 64 columns are 24 accumulators, 4 vectors of the
// panel, 1 broadcast: 29 of 32; each step does 24 multiply-adds for 10 loads,
// so that the two multiply-add ports are the limit. AVX2: 6 x 16 are 12
// accumulators, 2 and 1: 15 of 16.
#pragma once

#include "kernels/cpu/isa/isa.h"
#include "kernels/cpu/isa/vector.h"

namespace burin::kernels::BURIN_ISA {

// Columns that one pass over the steps keeps in registers.
inline constexpr int kPassVectors = kLanes == 16 ? 4 : 2;

// Steps between branches: few enough branches that their end is foreseen, and
// the next tile begins while this one drains.
inline constexpr int kUnroll = 4;

// Multiply-adds of one step: element `at` of each row times a panel row.
template <int kRows, int kVectors>
BURIN_INLINE void tileStep(const float* const (&row)[kRows], int64_t at,
                           const float* panel,
                           Vector (&sum)[kRows][kVectors]) {
  Vector b[kVectors];
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v)
    b[v] = load(panel + v * kLanes);
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r) {
    const Vector a = splat(row[r][at]);
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v)
      sum[r][v] += a * b[v];
  }
}

template <int kRows, int kVectors, int kColumns>
BURIN_INLINE void tilePass(const TileArgs& args, int64_t column) {
  Vector sum[kRows][kVectors] = {};
  const float* panel = args.panel + column;
  for (int64_t s = 0; s < args.segmentCount; ++s) {
    const TileSegment& segment = args.segments[s];
    const float* row[kRows];
#pragma GCC unroll 6
    for (int r = 0; r < kRows; ++r)
      row[r] = segment.rows[args.firstRow + r] + segment.offset;
    int64_t at = 0;
    int64_t left = segment.depth;
    for (; left >= kUnroll; left -= kUnroll)
#pragma GCC unroll 8
      for (int i = 0; i < kUnroll; ++i, at += args.step, panel += kColumns)
        tileStep<kRows, kVectors>(row, at, panel, sum);
    for (; left > 0; --left, at += args.step, panel += kColumns)
      tileStep<kRows, kVectors>(row, at, panel, sum);
  }
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      float* out = args.tile + r * args.ld + column + v * kLanes;
      store(out, args.accumulate ? load(out) + sum[r][v] : sum[r][v]);
    }
}

template <int kRows, int kColumns>
void tile(const TileArgs& args) {
  constexpr int kAll = kColumns / kLanes;
  constexpr int kVectors = kAll < kPassVectors ? kAll : kPassVectors;
  for (int64_t column = 0; column < kColumns; column += kVectors * kLanes)
    tilePass<kRows, kVectors, kColumns>(args, column);
}

} // namespace burin::kernels::BURIN_ISA
