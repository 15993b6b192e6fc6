// SPDX-License-Identifier: Apache-2.0
// One float vector type for every instruction set, so that each inner loop is
// written once and compiled once per set.
//
// Included only by files that are compiled per instruction set. They keep
// everything in namespace burin::kernels::BURIN_ISA and use no library
// templates, so that no function compiled with wide instructions can stand in
// for another file's copy of the same name.
#pragma once

#include <cstdint>
#include <immintrin.h>

namespace burin::kernels::BURIN_ISA {

#if defined(__AVX512F__)
inline constexpr int kLanes = 16;
#elif defined(__AVX2__)
inline constexpr int kLanes = 8;
#else
inline constexpr int kLanes = 4;
#endif

typedef float Vector __attribute__((vector_size(4 * kLanes)));
typedef int32_t IntVector __attribute__((vector_size(4 * kLanes)));
// The same in memory, at any alignment.
typedef float LooseVector
    __attribute__((vector_size(4 * kLanes), aligned(4), may_alias));
typedef int32_t LooseIntVector
    __attribute__((vector_size(4 * kLanes), aligned(1), may_alias));

#define BURIN_INLINE inline __attribute__((always_inline))

BURIN_INLINE Vector load(const float* p) {
  return *reinterpret_cast<const LooseVector*>(p);
}
BURIN_INLINE void store(float* p, Vector v) {
  *reinterpret_cast<LooseVector*>(p) = v;
}
BURIN_INLINE IntVector loadBits(const void* p) {
  return *static_cast<const LooseIntVector*>(p);
}
BURIN_INLINE Vector splat(float x) {
  return x - Vector{};
}

// The greater of both; `b` where either is NaN.
BURIN_INLINE Vector greater(Vector a, Vector b) {
#if defined(__AVX512F__)
  return (Vector)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__)
  return (Vector)_mm256_max_ps((__m256)a, (__m256)b);
#else
  return (Vector)_mm_max_ps((__m128)a, (__m128)b);
#endif
}

// x minus the nearest whole number, |x| < 2^22.
BURIN_INLINE Vector fraction(Vector x) {
#if defined(__AVX512F__)
  return (Vector)_mm512_reduce_ps((__m512)x, 0x08);
#elif defined(__AVX2__)
  return x - (Vector)_mm256_round_ps((__m256)x, 0x08);
#else
  // Adding 1.5 * 2^23 leaves no room for a fraction.
  const Vector magic = splat(12582912.f);
  return x - ((x + magic) - magic);
#endif
}

// x * 2^whole, for whole numbers in [-160, 126].
BURIN_INLINE Vector scaleByPower(Vector x, Vector whole) {
#if defined(__AVX512F__)
  return (Vector)_mm512_scalef_ps((__m512)x, (__m512)whole);
#else
  // By two factors, for 2^-160 is no normal float.
  const IntVector n = __builtin_convertvector(whole, IntVector);
  const IntVector half = n >> 1;
  return x * (Vector)((half + 127) << 23) * (Vector)((n - half + 127) << 23);
#endif
}

// Replaces each x <= 0 by 2^x, within one unit in the last place; 0 below
// 2^-150 and for minus infinity; a NaN stays one. With x = n + f, n whole and
// |f| <= 1/2, the polynomial is the minimax one for 2^f (relative error
// 1.9e-9). Several vectors go side by side: one alone would wait for its own
// results most of the time.
template <int kCount>
BURIN_INLINE void exp2NonPositive(Vector (&x)[kCount]) {
  constexpr float kTerms[] = {0.000153458124f,
                              0.00133999309f,
                              0.00961848907f,
                              0.0555032864f,
                              0.240226462f,
                              0.693147182f,
                              1.f};
  Vector whole[kCount], f[kCount];
  for (int i = 0; i < kCount; ++i)
    x[i] = greater(splat(-160.f), x[i]);
  for (int i = 0; i < kCount; ++i)
    f[i] = fraction(x[i]);
  for (int i = 0; i < kCount; ++i) {
    whole[i] = x[i] - f[i];
    x[i] = splat(kTerms[0]);
  }
#pragma GCC unroll 6
  for (int term = 1; term < 7; ++term)
    for (int i = 0; i < kCount; ++i)
      x[i] = x[i] * f[i] + splat(kTerms[term]);
  for (int i = 0; i < kCount; ++i)
    x[i] = scaleByPower(x[i], whole[i]);
}

} // namespace burin::kernels::BURIN_ISA
