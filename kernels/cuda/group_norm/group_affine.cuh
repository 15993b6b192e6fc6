// SPDX-License-Identifier: Apache-2.0
// GroupNorm's two factors (kernels/cpu/contracts.h, "group_affine"): one read
// of x, and no work space. moments.cuh lists what a problem P has.
#pragma once

#include "group_norm/moments.cuh"

// Joins all of a thread's pixels; `x` is its column in row 0.
template <class P>
__device__ __forceinline__ void
readMoments(const Place<P>& place, const typename P::X* x, i64 pitch,
            ThreadMoments<P::kVector>& moments) {
  const int count = place.pixelsOfRow(place.row);
  for (int i = 0; i < count; i += P::kBatch) {
    const int rows = min(P::kBatch, count - i);
    float values[P::kBatch][P::kVector];
#pragma unroll
    for (int j = 0; j < P::kBatch; ++j) {
      // Past the end the last one again, so that no load waits for a branch.
      const int at = place.rowOf(i + min(j, rows - 1));
      loadInput<P::kAlign>(x + at * pitch, values[j]);
    }
    moments.add(values, rows);
  }
}

// Views: x, gamma, beta, scale, shift.
template <class P>
__device__ __forceinline__ void groupAffine(const View* views) {
  __shared__ SharedMoments<P> shared;
  __shared__ SharedFactors<P> factors;
  const Place<P> place;
  letNextStart();
  waitForPrevious();
  readAffine(place.channel, place.channels, views, factors);
  ThreadMoments<P::kVector> moments;
  if (place.active())
    readMoments(place,
                static_cast<const typename P::X*>(views[0].data) +
                    place.column(),
                views[0].pitch, moments);
  joinMoments(place, moments, shared, factors);
  if (Cluster<P::kCluster>::rank() == 0) {
    float* scale = static_cast<float*>(views[3].data) +
                   place.image * views[3].pitch + place.channel;
    float* shift = static_cast<float*>(views[4].data) +
                   place.image * views[4].pitch + place.channel;
    for (int c = threadIdx.x; c < place.channels; c += P::kThreads) {
      scale[c] = factors.scale[c];
      shift[c] = factors.shift[c];
    }
  }
  Cluster<P::kCluster>::wait();
}
