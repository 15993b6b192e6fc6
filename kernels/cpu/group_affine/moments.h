// SPDX-License-Identifier: Apache-2.0
// Sums and sums of squares of a few rows, channel by channel.
#pragma once

#include "kernels/cpu/contract/expand.h"
#include "kernels/cpu/isa/isa.h"
#include "kernels/cpu/isa/vector.h"

namespace burin::kernels::BURIN_ISA {

BURIN_INLINE Vector loadFloats(const float* p) {
  return load(p);
}
BURIN_INLINE Vector loadFloats(const uint16_t* p) {
  return loadExpanded(p);
}
BURIN_INLINE float toFloat(float x) {
  return x;
}
BURIN_INLINE float toFloat(uint16_t x) {
  return expandOne(x);
}

// kVectors vectors of channels at once: their sums stay in registers.
template <typename T, int kVectors>
BURIN_INLINE void momentsOf(const MomentsArgs& args, int64_t channel) {
  Vector pivot[kVectors], sum[kVectors], square[kVectors];
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) {
    pivot[v] = load(args.pivot + channel + v * kLanes);
    sum[v] = square[v] = Vector{};
  }
  const T* x = static_cast<const T*>(args.x) + channel;
  for (int64_t i = 0; i < args.rows; ++i, x += args.pitch)
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      const Vector d = loadFloats(x + v * kLanes) - pivot[v];
      sum[v] += d;
      square[v] += d * d;
    }
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) {
    store(args.sum + channel + v * kLanes, sum[v]);
    store(args.square + channel + v * kLanes, square[v]);
  }
}

template <typename T>
void moments(const MomentsArgs& args) {
  int64_t c = 0;
  for (; c + 4 * kLanes <= args.channels; c += 4 * kLanes)
    momentsOf<T, 4>(args, c);
  for (; c + kLanes <= args.channels; c += kLanes)
    momentsOf<T, 1>(args, c);
  for (; c < args.channels; ++c) {
    const T* x = static_cast<const T*>(args.x) + c;
    float sum = 0, square = 0;
    for (int64_t i = 0; i < args.rows; ++i, x += args.pitch) {
      const float d = toFloat(*x) - args.pivot[c];
      sum += d;
      square += d * d;
    }
    args.sum[c] = sum;
    args.square[c] = square;
  }
}

} // namespace burin::kernels::BURIN_ISA
