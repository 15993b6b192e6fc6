// SPDX-License-Identifier: Apache-2.0
// Elements and sums of warps, for the texts without tensor cores.
#pragma once

#include "common/views.cuh"

struct F32Element {
  float bits;
  __device__ __forceinline__ float value() const { return bits; }
  static __device__ __forceinline__ F32Element of(float value) {
    return {value};
  }
};
struct Bf16Element {
  u16 bits;
  __device__ __forceinline__ float value() const {
    return __uint_as_float(static_cast<u32>(bits) << 16);
  }
  // To nearest, ties to even; a NaN stays a NaN.
  static __device__ __forceinline__ Bf16Element of(float value) {
    const u32 bits = __float_as_uint(value);
    if ((bits & 0x7fffffffu) > 0x7f800000u)
      return {static_cast<u16>(bits >> 16 | 0x40)};
    return {static_cast<u16>((bits + 0x7fffu + (bits >> 16 & 1)) >> 16)};
  }
};
struct F16Element {
  u16 bits;
  __device__ __forceinline__ float value() const {
    float wide;
    asm("cvt.f32.f16 %0, %1;" : "=f"(wide) : "h"(bits));
    return wide;
  }
  static __device__ __forceinline__ F16Element of(float value) {
    F16Element narrow;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(narrow.bits) : "f"(value));
    return narrow;
  }
};

__device__ __forceinline__ float warpSum(float value) {
#pragma unroll
  for (int offset = 16; offset > 0; offset /= 2)
    value += __shfl_xor_sync(~0u, value, offset);
  return value;
}
