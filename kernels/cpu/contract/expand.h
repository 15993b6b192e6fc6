// SPDX-License-Identifier: Apache-2.0
// bf16 to float32 for blocks that are about to be multiplied: bf16 is the
// upper half of a float32, so a shift or a mask is all it takes.
#pragma once

#include "kernels/cpu/isa/isa.h"
#include "kernels/cpu/isa/vector.h"

namespace burin::kernels::BURIN_ISA {

BURIN_INLINE float expandOne(uint16_t bits) {
  const uint32_t wide = uint32_t{bits} << 16;
  return __builtin_bit_cast(float, wide);
}

// kLanes consecutive bf16 values.
BURIN_INLINE Vector loadExpanded(const uint16_t* from) {
#if defined(__AVX512F__)
  const __m256i bits = _mm256_loadu_si256((const __m256i*)from);
  return (Vector)_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16);
#elif defined(__AVX2__)
  const __m128i bits = _mm_loadu_si128((const __m128i*)from);
  return (Vector)_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16);
#else
  const __m128i bits = _mm_loadl_epi64((const __m128i*)from);
  return (Vector)_mm_unpacklo_epi16(_mm_setzero_si128(), bits);
#endif
}

inline void expandRow(const uint16_t* from, float* to, int64_t count) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    store(to + i, loadExpanded(from + i));
  for (; i < count; ++i)
    to[i] = expandOne(from[i]);
}

inline void expandPairs(const uint16_t* from, float* to, int64_t pairs,
                        int64_t columns) {
  for (int64_t i = 0; i < pairs; ++i, from += 2 * columns, to += 2 * columns)
    for (int64_t c = 0; c < columns; c += kLanes) {
      const IntVector lanes = loadBits(from + 2 * c);
      store(to + c, (Vector)(lanes << 16));
      store(to + columns + c, (Vector)(lanes & int32_t(0xffff0000)));
    }
}

} // namespace burin::kernels::BURIN_ISA
