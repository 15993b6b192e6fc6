// SPDX-License-Identifier: Apache-2.0
// A copy of rows that the copy engine cannot read, at multiples of 16 bytes:
// elements of 16 bits, zeros behind them.
#pragma once

#include "common/views.cuh"
#include "weight_gradient/tiling.cuh"

// A thread writes 16 bytes. {rows, copy}.
__device__ __forceinline__ void widenRows(const View* views,
                                          const WidenShape& s) {
  letNextStart();
  waitForPrevious();
  const i64 i = static_cast<i64>(blockIdx.x) * kWidenThreads + threadIdx.x;
  const i64 row = i / s.vectors;
  if (row >= s.rows)
    return;
  const int first = static_cast<int>(i - row * s.vectors) * 8;
  const auto* from =
      static_cast<const u16*>(views[0].data) + row * views[0].pitch + first;
  u32 words[4];
#pragma unroll
  for (int j = 0; j < 4; ++j) {
    const u32 low = first + 2 * j < s.extent ? from[2 * j] : 0;
    const u32 high = first + 2 * j + 1 < s.extent ? from[2 * j + 1] : 0;
    words[j] = low | high << 16;
  }
  static_cast<uint4*>(views[1].data)[i] =
      make_uint4(words[0], words[1], words[2], words[3]);
}
