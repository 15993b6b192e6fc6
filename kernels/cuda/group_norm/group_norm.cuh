// SPDX-License-Identifier: Apache-2.0
// GroupNorm and what follows it, with one read of x: a cluster keeps a span's
// pixels in its shared memory between the statistics and their application.
// moments.cuh lists what a problem P has; kVector is 8 and kAlign at least 16.
#pragma once

#include "group_norm/moments.cuh"

// Every thread copies, and later reads, its own vectors alone.
template <int kBytes>
__device__ __forceinline__ void copyAsync(void* to, const void* from) {
  const u32 shared = static_cast<u32>(__cvta_generic_to_shared(to));
#pragma unroll
  for (int at = 0; at < kBytes; at += 16)
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(shared + at),
                 "l"(static_cast<const u8*>(from) + at)
                 : "memory");
}
__device__ __forceinline__ void waitForCopies() {
  asm volatile("cp.async.wait_all;" ::: "memory");
}

// Joins the `count` vectors from `x`, `kStride` elements apart.
template <class P, int kStride>
__device__ __forceinline__ void keptMoments(const typename P::X* x, int count,
                                            ThreadMoments<8>& moments) {
  for (int i = 0; i < count; i += P::kBatch) {
    const int rows = min(P::kBatch, count - i);
    float values[P::kBatch][8];
#pragma unroll
    for (int j = 0; j < P::kBatch; ++j)
      load<16>(x + (i + min(j, rows - 1)) * kStride, values[j]);
    moments.add(values, rows);
  }
}

// Views: x, gamma, beta, then the epilogue's. Dynamic shared memory: kVector
// elements for each vector of the pixels that a block has.
template <class P, class Epilogue>
__device__ __forceinline__ void groupNorm(const View* views) {
  using X = typename P::X;
  constexpr int kStride = P::kRows * P::kSpan;
  extern __shared__ __align__(16) u8 memory[];
  __shared__ SharedMoments<P> shared;
  __shared__ SharedFactors<P> factors;
  const Place<P> place;
  X* kept = reinterpret_cast<X*>(memory) + threadIdx.x * 8;
  const int count = place.active() ? place.pixelsOfRow(place.row) : 0;

  letNextStart();
  waitForPrevious();
  const X* x = static_cast<const X*>(views[0].data) + place.column();
  for (int i = 0; i < count; ++i)
    copyAsync<8 * sizeof(X)>(kept + i * kStride,
                             x + place.rowOf(i) * views[0].pitch);
  readAffine(place.channel, place.channels, views, factors);
  waitForCopies();
  ThreadMoments<8> moments;
  keptMoments<P, kStride>(kept, count, moments);
  joinMoments(place, moments, shared, factors);

  const Epilogue epilogue{};
  float scale[8], shift[8];
  if (place.active()) {
    load<16>(factors.scale + place.vector * 8, scale);
    load<16>(factors.shift + place.vector * 8, shift);
  }
#pragma unroll 2
  for (int i = 0; i < count; ++i) {
    const int row = place.rowOf(i);
    const auto operand = epilogue.fetch(views + 3, row, place.column());
    float value[8], gate[8] = {};
    load<16>(kept + i * kStride, value);
#pragma unroll
    for (int c = 0; c < 8; ++c)
      value[c] = value[c] * scale[c] + shift[c];
    epilogue.finish(views + 3, value, gate, operand, row, place.column());
  }
  Cluster<P::kCluster>::wait();
}
