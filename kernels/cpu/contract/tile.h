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
                           const float* panel, Vector (&sum)[kRows][kVectors]) {
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
BURIN_INLINE void tilePass(const TileArgs& args, int64_t firstRow,
                           int64_t column) {
  Vector sum[kRows][kVectors] = {};
  const float* panel = args.panel + column;
  for (int64_t s = 0; s < args.segmentCount; ++s) {
    const TileSegment& segment = args.segments[s];
    const float* row[kRows];
#pragma GCC unroll 6
    for (int r = 0; r < kRows; ++r)
      row[r] = segment.rows[firstRow + r] + segment.offset;
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
      float* out = args.tile + (firstRow + r) * args.ld + column + v * kLanes;
      store(out, args.accumulate ? load(out) + sum[r][v] : sum[r][v]);
    }
}

// Kept apart from the loop over tiles, whose variables would take registers.
template <int kRows, int kColumns>
__attribute__((noinline)) void tile(const TileArgs& args, int64_t firstRow) {
  constexpr int kAll = kColumns / kLanes;
  constexpr int kVectors = kAll < kPassVectors ? kAll : kPassVectors;
  for (int64_t column = 0; column < kColumns; column += kVectors * kLanes)
    tilePass<kRows, kVectors, kColumns>(args, firstRow, column);
}

// Asks for the rows of the tile that begins at `row`.
inline void fetchRows(const TileArgs& args, int64_t row) {
  const int64_t end = row + kTileRows < args.rows ? row + kTileRows : args.rows;
  for (int64_t s = 0; s < args.segmentCount; ++s)
    for (int64_t r = row; r < end; ++r) {
      const TileSegment& segment = args.segments[s];
      const float* at = segment.rows[r] + segment.offset;
      for (int64_t i = 0; i < segment.depth; i += 16)
        __builtin_prefetch(at + i, 0, 3);
    }
}

template <int kColumns>
void multiplyRows(const TileArgs& args) {
  const char* ahead = static_cast<const char*>(args.ahead);
  const char* const aheadEnd = ahead + args.aheadBytes;
  const int64_t tiles = (args.rows + kTileRows - 1) / kTileRows;
  const int64_t share = (args.aheadBytes / tiles + 63) / 64 * 64;
  int64_t row = 0;
  for (; row + kTileRows <= args.rows; row += kTileRows) {
    for (int64_t i = 0; i < share && ahead < aheadEnd; i += 64, ahead += 64)
      __builtin_prefetch(ahead, 0, 2);
    if (args.step == 1)
      fetchRows(args, row + kTileRows);
    tile<kTileRows, kColumns>(args, row);
  }
  switch (args.rows - row) {
  case 1:
    return tile<1, kColumns>(args, row);
  case 2:
    return tile<2, kColumns>(args, row);
  case 3:
    return tile<3, kColumns>(args, row);
  case 4:
    return tile<4, kColumns>(args, row);
  case 5:
    return tile<5, kColumns>(args, row);
  }
}

} // namespace burin::kernels::BURIN_ISA
