// SPDX-License-Identifier: Apache-2.0
// Weights and the gradients of scores for a block of keys, one query a lane.
#pragma once

#include "kernels/cpu/isa/isa.h"
#include "kernels/cpu/isa/vector.h"

namespace burin::kernels::BURIN_ISA {

// kCount vectors of queries, beginning at query q.
template <int kCount>
BURIN_INLINE void softmaxGradientOf(const SoftmaxGradientArgs& args,
                                    int64_t q) {
  Vector top[kCount], inverse[kCount], inner[kCount];
  for (int i = 0; i < kCount; ++i) {
    top[i] = load(args.maximum + q + i * kLanes);
    inverse[i] = load(args.inverse + q + i * kLanes);
    inner[i] = load(args.inner + q + i * kLanes);
  }
  float* score = args.scores + q;
  float* product = args.products + q;
  for (int64_t k = 0; k < args.keys; ++k) {
    Vector weight[kCount];
    for (int i = 0; i < kCount; ++i)
      weight[i] = load(score + i * kLanes) - top[i];
    exp2NonPositive(weight);
    for (int i = 0; i < kCount; ++i) {
      weight[i] *= inverse[i];
      store(score + i * kLanes, weight[i]);
      const Vector gradient = load(product + i * kLanes) - inner[i];
      store(product + i * kLanes, weight[i] * gradient);
    }
    score += args.queries;
    product += args.queries;
  }
}

inline void softmaxGradient(const SoftmaxGradientArgs& args) {
  constexpr int kSideBySide = kLanes == 16 ? 4 : 2; // fits the registers
  int64_t q = 0;
  for (; q + kSideBySide * kLanes <= args.queries; q += kSideBySide * kLanes)
    softmaxGradientOf<kSideBySide>(args, q);
  for (; q < args.queries; q += kLanes)
    softmaxGradientOf<1>(args, q);
}

} // namespace burin::kernels::BURIN_ISA
