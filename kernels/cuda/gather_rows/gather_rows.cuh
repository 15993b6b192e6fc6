// SPDX-License-Identifier: Apache-2.0
// Copies whole rows (kernels/cpu/contracts.h, "gather_rows"), so that one
// kernel serves every element type and shape.
#pragma once

#include "common/math.cuh"

struct GatherRows {
  int rows;     // of the table, in a group
  int perGroup; // indices
  int count;    // indices, of all groups
  int words;    // accesses in a row
  int elementBytes;
};

// Views: table, index, out. kLanes neighbours copy a row, kBytes at a time.
template <int kBytes, int kLanes, class Index>
__device__ __forceinline__ void gatherRows(const View* views,
                                           const GatherRows& g) {
  using Access = Word<kBytes>;
  using Type = typename Access::Type;
  letNextStart();
  waitForPrevious();
  const i64 i = (blockIdx.x * i64{blockDim.x} + threadIdx.x) / kLanes;
  if (i >= g.count)
    return;
  const i64 at = static_cast<const Index*>(views[1].data)[i];
  const bool inside = at >= 0 && at < g.rows;
  const i64 row =
      static_cast<i64>(static_cast<int>(i) / g.perGroup) * g.rows + at;
  const Type* from = reinterpret_cast<const Type*>(
      static_cast<const u8*>(views[0].data) +
      (inside ? row * views[0].pitch * g.elementBytes : 0));
  Type* to = reinterpret_cast<Type*>(static_cast<u8*>(views[2].data) +
                                     i * views[2].pitch * g.elementBytes);
  for (int word = threadIdx.x % kLanes; word < g.words; word += kLanes) {
    Type value;
    memset(&value, 0xff, sizeof(value));
    if (inside)
      value = Access::loadInput(from + word);
    to[word] = value;
  }
}
