// SPDX-License-Identifier: Apache-2.0
// kernels/cuda/common/math.cuh on the CPU, with the accesses' alignment
// checked, as a card does.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "block.cuh"
#include "runtime/base/dtype.h"

#include "common/views.cuh"

struct Bf16 {
  u16 bits;
};
struct F16 {
  u16 bits;
};

template <class T>
double widen(T x) {
  return static_cast<double>(x);
}
inline double widen(Bf16 x) {
  return burin::bf16ToFloat(x.bits);
}
inline double widen(F16 x) {
  return burin::f16ToFloat(x.bits);
}

template <class R, class T>
R convert(T x) {
  if constexpr (std::is_same_v<R, T>)
    return x;
  else if constexpr (std::is_same_v<R, Bf16>)
    return {burin::floatToBf16(static_cast<float>(widen(x)))};
  else if constexpr (std::is_same_v<R, F16>)
    return {burin::floatToF16(static_cast<float>(widen(x)))};
  else if constexpr (std::is_integral_v<T>)
    return static_cast<R>(x);
  else
    return static_cast<R>(widen(x));
}

template <int kBytes>
struct alignas(kBytes) Word {
  unsigned char bytes[kBytes];
  using Type = Word;
  static Word loadInput(const void* from) {
    emulated::checkAlignment(from, kBytes);
    Word word;
    std::memcpy(&word, from, kBytes);
    return word;
  }
};

constexpr int accessBytes(int align, int bytes) {
  const int least = align < bytes ? align : bytes;
  return least < 16 ? least : 16;
}

template <class T, int N, int kAlign>
struct Packed {
  static constexpr int kAccess = accessBytes(kAlign, N* int(sizeof(T)));
  static constexpr int kWords = N * int(sizeof(T)) / kAccess;
  using Access = Word<kAccess>;
  union {
    Access word[kWords];
    T element[N];
  };
};

template <int kAlign, class T, class R, int N>
void load(const T* from, R (&to)[N]) {
  emulated::checkAlignment(from, Packed<T, N, kAlign>::kAccess);
  for (int i = 0; i < N; ++i)
    to[i] = convert<R>(from[i]);
}
template <int kAlign, class T, class R, int N>
void loadInput(const T* from, R (&to)[N]) {
  load<kAlign>(from, to);
}
template <int kAlign, class T, class R, int N>
void loadConstant(const T* from, R (&to)[N]) {
  load<kAlign>(from, to);
}
template <int kAlign, class T, class R, int N>
void store(T* to, const R (&from)[N]) {
  emulated::checkAlignment(to, Packed<T, N, kAlign>::kAccess);
  for (int i = 0; i < N; ++i)
    to[i] = convert<T>(from[i]);
}

inline float __uint_as_float(u32 bits) {
  float x;
  std::memcpy(&x, &bits, sizeof(x));
  return x;
}
inline double __longlong_as_double(i64 bits) {
  double x;
  std::memcpy(&x, &bits, sizeof(x));
  return x;
}

#define BURIN_UNARY(name, expression)                                          \
  template <class T>                                                           \
  T name(T x) {                                                                \
    return expression;                                                         \
  }
#define BURIN_BINARY(name, expression)                                         \
  template <class T>                                                           \
  T name(T x, T y) {                                                           \
    return expression;                                                         \
  }
BURIN_UNARY(mathAbsf, std::abs(x))
BURIN_UNARY(mathCos, std::cos(x))
BURIN_UNARY(mathErf, std::erf(x))
BURIN_UNARY(mathExp, std::exp(x))
BURIN_UNARY(mathLog, std::log(x))
BURIN_UNARY(mathRsqrt, 1 / std::sqrt(x))
BURIN_UNARY(mathSin, std::sin(x))
BURIN_UNARY(mathSqrt, std::sqrt(x))
BURIN_UNARY(mathTanh, std::tanh(x))
BURIN_BINARY(mathPowf, std::pow(x, y))
BURIN_BINARY(arithDivf, x / y)
BURIN_BINARY(arithMaximumf, std::isnan(x) || x > y ? x : y)
BURIN_BINARY(arithMinimumf, std::isnan(x) || x < y ? x : y)
#undef BURIN_UNARY
#undef BURIN_BINARY

namespace fast {
using ::arithDivf, ::arithMaximumf, ::arithMinimumf;
using ::mathAbsf, ::mathCos, ::mathErf, ::mathExp, ::mathLog, ::mathPowf;
using ::mathRsqrt, ::mathSin, ::mathSqrt, ::mathTanh;
inline float reciprocal(float x) {
  return 1 / x;
}
} // namespace fast
