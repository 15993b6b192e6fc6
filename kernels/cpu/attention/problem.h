// SPDX-License-Identifier: Apache-2.0
// What attention and its gradient are told, and the elements of both.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/cpu/contracts.h"
#include "runtime/base/dtype.h"

namespace burin::kernels {

// The parameters of "attention" (AttentionParam).
struct AttentionProblem {
  int64_t batch, queries, keys, heads, width;
  bool causal;
  double scale;

  explicit AttentionProblem(std::span<const int64_t> p)
      : batch(p[kAttentionBatch]), queries(p[kAttentionQueries]),
        keys(p[kAttentionKeys]), heads(p[kAttentionHeads]),
        width(p[kAttentionWidth]), causal(p[kAttentionCausal] != 0),
        scale(bitsToDouble(p[kAttentionScale])) {}
};

// Elements are float, or the bits of a bf16.
inline float toFloat(float value) {
  return value;
}
inline float toFloat(uint16_t value) {
  return bf16ToFloat(value);
}
template <typename T>
T fromFloat(float value) {
  if constexpr (sizeof(T) == 2)
    return floatToBf16(value);
  else
    return value;
}

} // namespace burin::kernels
