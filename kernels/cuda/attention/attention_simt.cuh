// SPDX-License-Identifier: Apache-2.0
// Attention without tensor cores or bulk copies: any width up to 1024, any
// alignment, any float type, float32 arithmetic. A warp computes one query;
// its lanes share the columns, lane l those with column % 32 == l.
//
// No shared memory; 2 * kSlots registers a lane for the query and the output.
#pragma once

#include "attention/elements.cuh"

struct Problem {
  int heads;
  int tiles; // groups of kWarps queries of one head
  int queries;
  int keys;
  int width;
  float scaleLog2; // scale * log2(e)
};

// kSlots >= width / 32. Keys are taken kTogether at a time, for independent
// sums; past the last visible key that one is read again with weight 0.
template <class Element, int kSlots, int kWarps, bool kCausal>
__device__ __forceinline__ void attention(const Views<4>& views,
                                          const Problem& problem) {
  constexpr int kTogether = 4;
  letNextStart();
  waitForPrevious();
  int rest = blockIdx.x;
  const int query = rest % problem.tiles * kWarps + threadIdx.x / 32;
  rest /= problem.tiles;
  const i64 head = rest % problem.heads, image = rest / problem.heads;
  if (query >= problem.queries)
    return;
  const int lane = threadIdx.x % 32;
  const i64 column = head * problem.width + lane;
  const auto rowOf = [&](int slice, i64 row) {
    const View& view = views.view[slice];
    return static_cast<Element*>(view.data) + row * view.pitch + column;
  };
  const auto has = [&](int slot) { return lane + 32 * slot < problem.width; };

  const i64 queryRow = image * problem.queries + query;
  float q[kSlots], out[kSlots];
  const Element* from = rowOf(0, queryRow);
#pragma unroll
  for (int i = 0; i < kSlots; ++i) {
    q[i] = has(i) ? from[32 * i].value() : 0.f;
    out[i] = 0;
  }

  const int seen = kCausal ? query + 1 : problem.keys;
  float maximum = -__int_as_float(0x7f800000), sum = 0;
  for (int key = 0; key < seen; key += kTogether) {
    float weight[kTogether];
    i64 row[kTogether];
    float next = maximum;
#pragma unroll
    for (int k = 0; k < kTogether; ++k) {
      row[k] = image * problem.keys + (key + k < seen ? key + k : seen - 1);
      const Element* keys = rowOf(1, row[k]);
      float dot = 0;
#pragma unroll
      for (int i = 0; i < kSlots; ++i)
        if (has(i))
          dot = fmaf(q[i], keys[32 * i].value(), dot);
      weight[k] = warpSum(dot) * problem.scaleLog2;
      next = fmaxf(next, weight[k]);
    }
    const float fade = exp2f(maximum - next);
    maximum = next;
    sum *= fade;
#pragma unroll
    for (int k = 0; k < kTogether; ++k) {
      weight[k] = key + k < seen ? exp2f(weight[k] - maximum) : 0.f;
      sum += weight[k];
    }
#pragma unroll
    for (int i = 0; i < kSlots; ++i)
      out[i] *= fade;
#pragma unroll
    for (int k = 0; k < kTogether; ++k) {
      const Element* values = rowOf(2, row[k]);
#pragma unroll
      for (int i = 0; i < kSlots; ++i)
        if (has(i))
          out[i] = fmaf(weight[k], values[32 * i].value(), out[i]);
    }
  }

  Element* to = rowOf(3, queryRow);
#pragma unroll
  for (int i = 0; i < kSlots; ++i)
    if (has(i))
      to[32 * i] = Element::of(out[i] / sum);
}
