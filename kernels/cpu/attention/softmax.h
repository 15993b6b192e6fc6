// SPDX-License-Identifier: Apache-2.0
// Online softmax over a block of scores, one query a lane.
#pragma once

#include "kernels/cpu/isa/isa.h"
#include "kernels/cpu/isa/vector.h"

namespace burin::kernels::BURIN_ISA {

inline void softmax(const SoftmaxArgs& args) {
  for (int64_t q = 0; q < args.queries; q += kLanes) {
    float* const column = args.scores + q;
    const Vector before = load(args.maximum + q);
    Vector top = before;
    for (int64_t k = 0; k < args.keys; ++k)
      top = greater(top, load(column + k * args.queries));
    const Vector rescale = exp2NonPositive(before - top);
    Vector sum = load(args.sum + q) * rescale;
    for (int64_t k = 0; k < args.keys; ++k) {
      float* const at = column + k * args.queries;
      const Vector p = exp2NonPositive(load(at) - top);
      store(at, p);
      sum += p;
    }
    store(args.maximum + q, top);
    store(args.rescale + q, rescale);
    store(args.sum + q, sum);
  }
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
