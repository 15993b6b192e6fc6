// SPDX-License-Identifier: Apache-2.0
// Online softmax over a block of scores, one query a lane.
#pragma once

#include "kernels/cpu/isa/isa.h"
#include "kernels/cpu/isa/vector.h"

namespace burin::kernels::BURIN_ISA {

// kCount vectors of queries, beginning at query q. Keys are taken row by row:
// memory is then read and written in order.
template <int kCount>
BURIN_INLINE void softmaxOf(const SoftmaxArgs& args, int64_t q) {
  Vector before[kCount], top[kCount], sum[kCount];
  for (int i = 0; i < kCount; ++i)
    before[i] = top[i] = load(args.maximum + q + i * kLanes);
  float* row = args.scores + q;
  for (int64_t k = 0; k < args.keys; ++k, row += args.queries)
    for (int i = 0; i < kCount; ++i)
      top[i] = greater(top[i], load(row + i * kLanes));

  for (int i = 0; i < kCount; ++i)
    before[i] -= top[i];
  exp2NonPositive(before);
  for (int i = 0; i < kCount; ++i) {
    store(args.maximum + q + i * kLanes, top[i]);
    store(args.rescale + q + i * kLanes, before[i]);
    sum[i] = load(args.sum + q + i * kLanes) * before[i];
  }

  row = args.scores + q;
  for (int64_t k = 0; k < args.keys; ++k, row += args.queries) {
    Vector weight[kCount];
    for (int i = 0; i < kCount; ++i)
      weight[i] = load(row + i * kLanes) - top[i];
    exp2NonPositive(weight);
    for (int i = 0; i < kCount; ++i) {
      store(row + i * kLanes, weight[i]);
      sum[i] += weight[i];
    }
  }
  for (int i = 0; i < kCount; ++i)
    store(args.sum + q + i * kLanes, sum[i]);
}

inline void softmax(const SoftmaxArgs& args) {
  constexpr int kSideBySide = kLanes == 16 ? 4 : 2; // fits the registers
  int64_t q = 0;
  for (; q + kSideBySide * kLanes <= args.queries; q += kSideBySide * kLanes)
    softmaxOf<kSideBySide>(args, q);
  for (; q < args.queries; q += kLanes)
    softmaxOf<1>(args, q);
}

inline void scaleRows(float* rows, int64_t count, int64_t columns,
                      const float* factors) {
  for (int64_t i = 0; i < count; ++i)
    for (int64_t c = 0; c < columns; c += kLanes) {
      float* const at = rows + i * columns + c;
      store(at, load(at) * load(factors + c));
    }
}

} // namespace burin::kernels::BURIN_ISA
