// SPDX-License-Identifier: Apache-2.0
// Element types of contractions, between memory and float32.
#pragma once

#include "common/views.cuh"

struct ElementF32 {
  using Memory = float;
  static __device__ __forceinline__ float load(float x) { return x; }
  static __device__ __forceinline__ float store(float x) { return x; }
};
struct ElementBf16 {
  using Memory = u16;
  static __device__ __forceinline__ float load(u16 x) {
    return __uint_as_float(static_cast<u32>(x) << 16);
  }
  static __device__ __forceinline__ u16 store(float x) {
    u16 bits;
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(x));
    return bits;
  }
};
struct ElementF16 {
  using Memory = u16;
  static __device__ __forceinline__ float load(u16 x) {
    float wide;
    asm("cvt.f32.f16 %0, %1;" : "=f"(wide) : "h"(x));
    return wide;
  }
  static __device__ __forceinline__ u16 store(float x) {
    u16 bits;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(x));
    return bits;
  }
};
