// SPDX-License-Identifier: Apache-2.0
// Elements between memory and registers, and scalar functions, for generated
// kernels and the library's own. Includes no header of the toolkit, which
// would cost more to parse than a kernel costs to compile.
//
// Element types in memory: bool, u8, int, i64, F16, Bf16, float, double.
// Arithmetic on F16 and Bf16 happens in float.
//
// Vectors. N elements (a power of two; 8, 4, 2 or 1 as a rule) at once:
//   load<kAlign>(const T* from, R (&to)[N])        other kernels' results and
//                                                  what this kernel writes
//   loadInput<kAlign>(const T* from, R (&to)[N])   what nothing writes while
//                                                  this kernel runs
//   loadConstant<kAlign>(const T* from, R (&to)[N])
//                                                  what no kernel of a run
//                                                  writes: may move anywhere
//   store<kAlign>(T* to, const R (&from)[N])
// `kAlign` is a power of two that divides the address; accesses are of
// min(16, kAlign, N * sizeof(T)) bytes. R is any type that `convert` takes:
// float for F16 and Bf16, T itself or float for the others. Call loadInput
// after waitForPrevious(), except on weights.
//
// Scalars:
//   convert<R>(x)   any of the types to any other. Float to F16 and Bf16 rounds
//                   to nearest, ties to even, once (from double too), and NaN
//                   stays NaN. Float to integer truncates and saturates. To
//                   bool: x != 0.
//   math*, arith*   the MLIR op of that name, on float and double: mathAbsf,
//                   mathCos, mathErf, mathExp, mathLog, mathPowf, mathRsqrt,
//                   mathSin, mathSqrt, mathTanh; arithDivf; arithMaximumf and
//                   arithMinimumf, where NaN wins and -0 < +0. Their error is
//                   at most 4 ulp; infinities and NaN as in C.
//   fast::          the same names and types, for results that are rounded to
//                   F16 or Bf16 at the end. In float mathExp, arithDivf,
//                   mathSqrt, mathRsqrt and reciprocal use the special
//                   function unit: relative error below 2^-17 for mathExp in
//                   [-87, 88], below 2^-21 for the others; mathErf is off by
//                   less than 7.7e-5 (erf.cuh). Everything else is the accurate
//                   one.
#pragma once

#include "common/erf.cuh"
#include "common/views.cuh"

struct Bf16 {
  u16 bits;
};
struct F16 {
  u16 bits;
};

// The type that arithmetic on T uses.
template <class T>
struct ComputeType {
  using Type = T;
};
template <>
struct ComputeType<Bf16> {
  using Type = float;
};
template <>
struct ComputeType<F16> {
  using Type = float;
};

// Round to odd: what a second rounding, to far fewer bits, makes of the result
// is what it makes of x.
__device__ __forceinline__ float roundToOdd(double x) {
  const float below = __double2float_rz(x);
  const bool exact = static_cast<double>(below) == x;
  return exact ? below : __uint_as_float(__float_as_uint(below) | 1u);
}

template <class R>
struct Convert {
  template <class T>
  static __device__ __forceinline__ R from(T x) {
    return static_cast<R>(x);
  }
  static __device__ __forceinline__ R from(Bf16 x) {
    return static_cast<R>(__uint_as_float(u32{x.bits} << 16));
  }
  static __device__ __forceinline__ R from(F16 x) {
    float wide;
    asm("cvt.f32.f16 %0, %1;" : "=f"(wide) : "h"(x.bits));
    return static_cast<R>(wide);
  }
};
template <>
struct Convert<Bf16> {
  static __device__ __forceinline__ Bf16 from(float x) {
    Bf16 narrow;
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(narrow.bits) : "f"(x));
    return narrow;
  }
  static __device__ __forceinline__ Bf16 from(double x) {
    return from(roundToOdd(x));
  }
  static __device__ __forceinline__ Bf16 from(Bf16 x) { return x; }
  template <class T>
  static __device__ __forceinline__ Bf16 from(T x) {
    return from(Convert<double>::from(x));
  }
};
template <>
struct Convert<F16> {
  static __device__ __forceinline__ F16 from(float x) {
    F16 narrow;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(narrow.bits) : "f"(x));
    return narrow;
  }
  static __device__ __forceinline__ F16 from(double x) {
    return from(roundToOdd(x));
  }
  static __device__ __forceinline__ F16 from(F16 x) { return x; }
  template <class T>
  static __device__ __forceinline__ F16 from(T x) {
    return from(Convert<double>::from(x));
  }
};

template <class R, class T>
__device__ __forceinline__ R convert(T x) {
  return Convert<R>::from(x);
}

// One access to memory of kBytes. loadInput keeps its place among barriers and
// waits; loadConstant does not, so that what is read twice is loaded once.
template <int kBytes>
struct Word;
template <>
struct Word<16> {
  using Type = uint4;
  static __device__ __forceinline__ Type loadInput(const void* p) {
    Type x;
    asm volatile("ld.global.nc.v4.u32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(x.x), "=r"(x.y), "=r"(x.z), "=r"(x.w)
                 : "l"(p));
    return x;
  }
  static __device__ __forceinline__ Type loadConstant(const void* p) {
    Type x;
    asm("ld.global.nc.v4.u32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(x.x), "=r"(x.y), "=r"(x.z), "=r"(x.w)
                 : "l"(p));
    return x;
  }
};
template <>
struct Word<8> {
  using Type = uint2;
  static __device__ __forceinline__ Type loadInput(const void* p) {
    Type x;
    asm volatile("ld.global.nc.v2.u32 {%0, %1}, [%2];"
                 : "=r"(x.x), "=r"(x.y)
                 : "l"(p));
    return x;
  }
  static __device__ __forceinline__ Type loadConstant(const void* p) {
    Type x;
    asm("ld.global.nc.v2.u32 {%0, %1}, [%2];"
                 : "=r"(x.x), "=r"(x.y)
                 : "l"(p));
    return x;
  }
};
template <>
struct Word<4> {
  using Type = u32;
  static __device__ __forceinline__ Type loadInput(const void* p) {
    Type x;
    asm volatile("ld.global.nc.u32 %0, [%1];" : "=r"(x) : "l"(p));
    return x;
  }
  static __device__ __forceinline__ Type loadConstant(const void* p) {
    Type x;
    asm("ld.global.nc.u32 %0, [%1];" : "=r"(x) : "l"(p));
    return x;
  }
};
template <>
struct Word<2> {
  using Type = u16;
  static __device__ __forceinline__ Type loadInput(const void* p) {
    Type x;
    asm volatile("ld.global.nc.u16 %0, [%1];" : "=h"(x) : "l"(p));
    return x;
  }
  static __device__ __forceinline__ Type loadConstant(const void* p) {
    Type x;
    asm("ld.global.nc.u16 %0, [%1];" : "=h"(x) : "l"(p));
    return x;
  }
};
template <>
struct Word<1> {
  using Type = u8;
  static __device__ __forceinline__ Type loadInput(const void* p) {
    u32 x;
    asm volatile("ld.global.nc.u8 %0, [%1];" : "=r"(x) : "l"(p));
    return static_cast<Type>(x);
  }
  static __device__ __forceinline__ Type loadConstant(const void* p) {
    u32 x;
    asm("ld.global.nc.u8 %0, [%1];" : "=r"(x) : "l"(p));
    return static_cast<Type>(x);
  }
};

__device__ constexpr int accessBytes(int align, int bytes) {
  const int least = align < bytes ? align : bytes;
  return least < 16 ? least : 16;
}

// N elements as they lie in memory.
template <class T, int N, int kAlign>
struct Packed {
  static_assert((N & (N - 1)) == 0, "vectors have 1, 2, 4, 8, .. elements");
  static_assert((kAlign & (kAlign - 1)) == 0 && kAlign >= int(sizeof(T)),
                "kAlign is a power of two, and elements are aligned");
  static constexpr int kAccess = accessBytes(kAlign, N* int(sizeof(T)));
  static constexpr int kWords = N * int(sizeof(T)) / kAccess;
  using Access = Word<kAccess>;
  union {
    typename Access::Type word[kWords];
    T element[N];
  };
};

template <int kAlign, class T, class R, int N>
__device__ __forceinline__ void load(const T* from, R (&to)[N]) {
  using P = Packed<T, N, kAlign>;
  P packed;
#pragma unroll
  for (int i = 0; i < P::kWords; ++i)
    packed.word[i] = reinterpret_cast<const typename P::Access::Type*>(from)[i];
#pragma unroll
  for (int i = 0; i < N; ++i)
    to[i] = convert<R>(packed.element[i]);
}

template <int kAlign, class T, class R, int N>
__device__ __forceinline__ void loadInput(const T* from, R (&to)[N]) {
  using P = Packed<T, N, kAlign>;
  P packed;
#pragma unroll
  for (int i = 0; i < P::kWords; ++i)
    packed.word[i] = P::Access::loadInput(
        reinterpret_cast<const typename P::Access::Type*>(from) + i);
#pragma unroll
  for (int i = 0; i < N; ++i)
    to[i] = convert<R>(packed.element[i]);
}

template <int kAlign, class T, class R, int N>
__device__ __forceinline__ void loadConstant(const T* from, R (&to)[N]) {
  using P = Packed<T, N, kAlign>;
  P packed;
#pragma unroll
  for (int i = 0; i < P::kWords; ++i)
    packed.word[i] = P::Access::loadConstant(
        reinterpret_cast<const typename P::Access::Type*>(from) + i);
#pragma unroll
  for (int i = 0; i < N; ++i)
    to[i] = convert<R>(packed.element[i]);
}

// Two floats to one word at once, the first in the lower half.
__device__ __forceinline__ void convertPair(float a, float b, Bf16 (&to)[2]) {
  u32 both;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(b), "f"(a));
  to[0].bits = static_cast<u16>(both);
  to[1].bits = static_cast<u16>(both >> 16);
}
__device__ __forceinline__ void convertPair(float a, float b, F16 (&to)[2]) {
  u32 both;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(b), "f"(a));
  to[0].bits = static_cast<u16>(both);
  to[1].bits = static_cast<u16>(both >> 16);
}
template <class T, class R>
__device__ __forceinline__ void convertPair(R a, R b, T (&to)[2]) {
  to[0] = convert<T>(a);
  to[1] = convert<T>(b);
}

template <int kAlign, class T, class R, int N>
__device__ __forceinline__ void store(T* to, const R (&from)[N]) {
  using P = Packed<T, N, kAlign>;
  P packed;
  if constexpr (N == 1) {
    packed.element[0] = convert<T>(from[0]);
  } else {
#pragma unroll
    for (int i = 0; i < N; i += 2) {
      T pair[2];
      convertPair(from[i], from[i + 1], pair);
      packed.element[i] = pair[0];
      packed.element[i + 1] = pair[1];
    }
  }
#pragma unroll
  for (int i = 0; i < P::kWords; ++i)
    reinterpret_cast<typename P::Access::Type*>(to)[i] = packed.word[i];
}

__device__ __forceinline__ float mathAbsf(float x) {
  return fabsf(x);
}
__device__ __forceinline__ float mathCos(float x) {
  return cosf(x);
}
__device__ __forceinline__ float mathErf(float x) {
  return erff(x);
}
__device__ __forceinline__ float mathExp(float x) {
  return expf(x);
}
__device__ __forceinline__ float mathLog(float x) {
  return logf(x);
}
__device__ __forceinline__ float mathPowf(float x, float y) {
  return powf(x, y);
}
__device__ __forceinline__ float mathRsqrt(float x) {
  return rsqrtf(x);
}
__device__ __forceinline__ float mathSin(float x) {
  return sinf(x);
}
__device__ __forceinline__ float mathSqrt(float x) {
  return sqrtf(x);
}
__device__ __forceinline__ float mathTanh(float x) {
  return tanhf(x);
}
__device__ __forceinline__ float arithDivf(float x, float y) {
  return x / y;
}
__device__ __forceinline__ float arithMaximumf(float x, float y) {
  float result;
  asm("max.NaN.f32 %0, %1, %2;" : "=f"(result) : "f"(x), "f"(y));
  return result;
}
__device__ __forceinline__ float arithMinimumf(float x, float y) {
  float result;
  asm("min.NaN.f32 %0, %1, %2;" : "=f"(result) : "f"(x), "f"(y));
  return result;
}

__device__ __forceinline__ double mathAbsf(double x) {
  return fabs(x);
}
__device__ __forceinline__ double mathCos(double x) {
  return cos(x);
}
__device__ __forceinline__ double mathErf(double x) {
  return erf(x);
}
__device__ __forceinline__ double mathExp(double x) {
  return exp(x);
}
__device__ __forceinline__ double mathLog(double x) {
  return log(x);
}
__device__ __forceinline__ double mathPowf(double x, double y) {
  return pow(x, y);
}
__device__ __forceinline__ double mathRsqrt(double x) {
  return rsqrt(x);
}
__device__ __forceinline__ double mathSin(double x) {
  return sin(x);
}
__device__ __forceinline__ double mathSqrt(double x) {
  return sqrt(x);
}
__device__ __forceinline__ double mathTanh(double x) {
  return tanh(x);
}
__device__ __forceinline__ double arithDivf(double x, double y) {
  return x / y;
}
// Equal numbers have equal bits, zeros excepted: their signs decide.
__device__ __forceinline__ double arithMaximumf(double x, double y) {
  if (x == y)
    return __longlong_as_double(__double_as_longlong(x) &
                                __double_as_longlong(y));
  return x > y ? x : x < y ? y : x + y;
}
__device__ __forceinline__ double arithMinimumf(double x, double y) {
  if (x == y)
    return __longlong_as_double(__double_as_longlong(x) |
                                __double_as_longlong(y));
  return x < y ? x : x > y ? y : x + y;
}

namespace fast {

using ::arithMaximumf;
using ::arithMinimumf;
using ::mathAbsf;
using ::mathCos;
using ::mathLog;
using ::mathPowf;
using ::mathSin;
using ::mathTanh;

__device__ __forceinline__ float mathExp(float x) {
  return __expf(x);
}
__device__ __forceinline__ float mathRsqrt(float x) {
  return rsqrtf(x);
}
__device__ __forceinline__ float mathSqrt(float x) {
  float result;
  asm("sqrt.approx.f32 %0, %1;" : "=f"(result) : "f"(x));
  return result;
}
__device__ __forceinline__ float reciprocal(float x) {
  float result;
  asm("rcp.approx.f32 %0, %1;" : "=f"(result) : "f"(x));
  return result;
}
// NaN stays NaN.
__device__ __forceinline__ float mathErf(float x) {
  return copysignf(erfUpToEnd(arithMinimumf(fabsf(x), kErfEnd)), x);
}
__device__ __forceinline__ double mathErf(double x) {
  return erf(x);
}
// Unlike __fdividef right for divisors above 2^126.
__device__ __forceinline__ float arithDivf(float x, float y) {
  float result;
  asm("div.full.f32 %0, %1, %2;" : "=f"(result) : "f"(x), "f"(y));
  return result;
}

__device__ __forceinline__ double mathExp(double x) {
  return exp(x);
}
__device__ __forceinline__ double mathRsqrt(double x) {
  return rsqrt(x);
}
__device__ __forceinline__ double mathSqrt(double x) {
  return sqrt(x);
}
__device__ __forceinline__ double arithDivf(double x, double y) {
  return x / y;
}

} // namespace fast
