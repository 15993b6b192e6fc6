// SPDX-License-Identifier: Apache-2.0
// Elements of a slice by row and column, as generated code reads and writes
// them: N at once along the row, of which `valid` exist.
#pragma once

#include "common/math.cuh"

template <class T>
__device__ __forceinline__ T* at(const View& view, i64 row, i64 column) {
  return static_cast<T*>(view.data) + row * view.pitch + column;
}

// What is read ahead of its use stays as narrow as it lies in memory. Not for
// elements that this kernel writes.
template <int kAlign, class T, int N>
__device__ __forceinline__ void fetch(const T* from, Packed<T, N, kAlign>& to,
                                      int valid = N) {
  using P = Packed<T, N, kAlign>;
  if (valid == N) {
#pragma unroll
    for (int i = 0; i < P::kWords; ++i)
      to.word[i] = P::Access::loadInput(
          reinterpret_cast<const typename P::Access::Type*>(from) + i);
  } else {
#pragma unroll
    for (int i = 0; i < N; ++i)
      to.element[i] = i < valid ? from[i] : T();
  }
}

template <class T, class R, int N, int kAlign>
__device__ __forceinline__ void unpack(const Packed<T, N, kAlign>& from,
                                       R (&to)[N]) {
#pragma unroll
  for (int i = 0; i < N; ++i)
    to[i] = convert<R>(from.element[i]);
}

template <int kAlign, class T, class R, int N>
__device__ __forceinline__ void loadSome(const T* from, R (&to)[N], int valid) {
  Packed<T, N, kAlign> packed;
  fetch(from, packed, valid);
  unpack(packed, to);
}

template <int kAlign, class T, class R, int N>
__device__ __forceinline__ void loadSomeConstant(const T* from, R (&to)[N],
                                                 int valid) {
  if (valid == N)
    return loadConstant<kAlign>(from, to);
#pragma unroll
  for (int i = 0; i < N; ++i)
    to[i] = i < valid ? convert<R>(from[i]) : R();
}

template <int kAlign, class T, class R, int N>
__device__ __forceinline__ void storeSome(T* to, const R (&from)[N],
                                          int valid) {
  if (valid == N)
    return store<kAlign>(to, from);
#pragma unroll
  for (int i = 0; i < N; ++i)
    if (i < valid)
      to[i] = convert<T>(from[i]);
}
