// SPDX-License-Identifier: Apache-2.0
// Mean and variance of the groups of channels in a span of one image, from
// every pixel once and without cancellation: nothing but deviations from a
// mean nearby is ever squared. Two sets with n, mean m and M2 = sum (x - m)^2
// each are one with (Chan, Golub and LeVeque, 1979)
//   m = sum n_i m_i / sum n_i,   M2 = sum M2_i + n_i (m_i - m)^2.
// Rows of a few pixels join into a thread's moments of each channel, channels
// into groups, threads into the block's moments, blocks into the cluster's,
// and where one cluster has not all pixels of an image, clusters into the
// image's (stream.cuh). Every order is fixed, so that results repeat bit for
// bit.
//
// A problem P, printed by the plan, has
//   using X, Affine;   element types of x, and of gamma and beta
//   kPixels, kChannels, kWidth (channels of a group)
//   kVector    channels that a thread reads at once, 8 or 1
//   kSpan      channels of a cluster: whole groups and whole vectors
//   kCluster   blocks of a cluster, which share its pixels
//   kRows      pixels that a block reads at once, one a row of threads
//   kThreads   at least kRows * kSpan / kVector
//   kBatch     rows that a thread joins at once
//   kAlign     bytes that divide the address of each vector of x
//   kEpsilon
#pragma once

#include "common/math.cuh"
#include "common/rows.cuh"
#include "group_norm/cluster.cuh"

// A thread's place: vector `vector` of every kRows-th pixel from `row` of the
// block's pixels [first, first + pixels) of image `image`.
template <class P>
struct Place {
  static constexpr int kVectors = P::kSpan / P::kVector;
  static constexpr int kSpans = (P::kChannels + P::kSpan - 1) / P::kSpan;
  static constexpr int kPerBlock = (P::kPixels + P::kCluster - 1) / P::kCluster;

  int image, channel, channels, first, pixels, vector, row;

  __device__ __forceinline__ Place() {
    const int item = static_cast<int>(blockIdx.x / P::kCluster);
    image = item / kSpans;
    channel = item % kSpans * P::kSpan;
    channels = min(P::kSpan, P::kChannels - channel);
    first = Cluster<P::kCluster>::rank() * kPerBlock;
    pixels = pixelsOf(Cluster<P::kCluster>::rank());
    vector = static_cast<int>(threadIdx.x) % kVectors;
    row = static_cast<int>(threadIdx.x) / kVectors;
  }

  static __device__ __forceinline__ int pixelsOf(int rank) {
    return max(0, min(kPerBlock, P::kPixels - rank * kPerBlock));
  }
  // How many pixels the threads of `row` have.
  __device__ __forceinline__ int pixelsOfRow(int row) const {
    return row < pixels ? (pixels - row - 1) / P::kRows + 1 : 0;
  }
  __device__ __forceinline__ bool active() const {
    return row < P::kRows && vector * P::kVector < channels;
  }
  __device__ __forceinline__ int column() const {
    return channel + vector * P::kVector;
  }
  // The row of x, and of the result, of the thread's pixel number `i`.
  __device__ __forceinline__ int rowOf(int i) const {
    return image * P::kPixels + first + row + i * P::kRows;
  }
};

// Of each of a thread's channels.
template <int kVector>
struct ThreadMoments {
  int count = 0;
  float mean[kVector] = {};
  float squares[kVector] = {};

  // Joins the first `rows` > 0 of `x`.
  template <int kBatch>
  __device__ __forceinline__ void add(const float (&x)[kBatch][kVector],
                                      int rows) {
    if (rows == kBatch)
      join<true>(x, kBatch);
    else
      join<false>(x, rows);
  }

private:
  template <bool kFull, int kBatch>
  __device__ __forceinline__ void join(const float (&x)[kBatch][kVector],
                                       int rows) {
    const float share = 1.f / static_cast<float>(rows);
    const float weight =
        static_cast<float>(rows) / static_cast<float>(count + rows);
    const float apartWeight = static_cast<float>(count) * weight;
#pragma unroll
    for (int c = 0; c < kVector; ++c) {
      float sum = 0, square = 0;
#pragma unroll
      for (int i = 0; i < kBatch; ++i)
        sum += kFull || i < rows ? x[i][c] : 0.f;
      const float center = sum * share;
#pragma unroll
      for (int i = 0; i < kBatch; ++i) {
        const float apart = kFull || i < rows ? x[i][c] - center : 0.f;
        square += apart * apart;
      }
      const float apart = center - mean[c];
      mean[c] += apart * weight;
      squares[c] += square + apart * apart * apartWeight;
    }
    count += rows;
  }
};

// Runs of a vector's channels that belong to one group: the whole vector, or
// what stands before and after a border between groups, or, where groups are
// narrower than vectors, equal pieces.
template <class P>
struct Runs {
  static constexpr bool kNarrow = P::kWidth < P::kVector;
  static constexpr int kPiece = P::kVector % P::kWidth == 0 ? P::kWidth : 1;
  static constexpr int kCount = kNarrow ? P::kVector / kPiece
                                : P::kWidth % P::kVector == 0 ? 1
                                                              : 2;
  // The run that channel `c` of vector `vector` belongs to.
  static __device__ __forceinline__ int of(int vector, int c) {
    if constexpr (kNarrow)
      return c / kPiece;
    else if constexpr (kCount == 2)
      return vector * P::kVector % P::kWidth + c >= P::kWidth;
    else
      return 0;
  }
};

// What threads' moments are joined in: a few hundred of them lose nothing that
// results of 16 bits could show.
template <class X>
struct JoinType {
  using Type = float;
};
template <>
struct JoinType<float> {
  using Type = double;
};

template <class P>
using RealOf = typename JoinType<typename P::X>::Type;

template <class Real>
struct Moments {
  Real mean, squares;
};

// Of a block.
template <class P>
struct SharedMoments {
  // Of each run of each vector, by row of threads.
  float mean[P::kSpan / P::kVector][Runs<P>::kCount][P::kRows];
  float squares[P::kSpan / P::kVector][Runs<P>::kCount][P::kRows];
  Moments<RealOf<P>> block[P::kSpan / P::kWidth];
};

// What the moments of an image become.
template <class P>
struct SharedFactors {
  static constexpr int kGroups = P::kSpan / P::kWidth;

  // Mean, 1 / sqrt(variance + epsilon).
  RealOf<P> center[kGroups], inverse[kGroups];
  alignas(16) float scale[P::kSpan];
  alignas(16) float shift[P::kSpan];

  __device__ __forceinline__ void set(int group,
                                      const Moments<RealOf<P>>& joined) {
    constexpr RealOf<P> kShare =
        1 / (static_cast<double>(P::kPixels) * P::kWidth);
    center[group] = joined.mean;
    inverse[group] = mathRsqrt(joined.squares * kShare +
                               static_cast<RealOf<P>>(P::kEpsilon));
  }
};

// At is how a block finds its pixels: Place, or the like.
template <class P, class At>
__device__ __forceinline__ void
shareThreadMoments(const At& place, const ThreadMoments<P::kVector>& moments,
                   SharedMoments<P>& shared) {
#pragma unroll
  for (int run = 0; run < Runs<P>::kCount; ++run) {
    float sum = 0, squares = 0;
    int channels = 0;
#pragma unroll
    for (int c = 0; c < P::kVector; ++c)
      if (Runs<P>::of(place.vector, c) == run) {
        sum += moments.mean[c];
        ++channels;
      }
    const float mean = channels > 0 ? sum / static_cast<float>(channels) : 0.f;
#pragma unroll
    for (int c = 0; c < P::kVector; ++c)
      if (Runs<P>::of(place.vector, c) == run) {
        const float apart = moments.mean[c] - mean;
        squares += moments.squares[c] +
                   static_cast<float>(moments.count) * apart * apart;
      }
    shared.mean[place.vector][run][place.row] = mean;
    shared.squares[place.vector][run][place.row] = squares;
  }
}

// Visits the moments that make up group `group`, a lane's share of them.
template <class P, class At, class Visit>
__device__ __forceinline__ void eachPart(const At& place,
                                         const SharedMoments<P>& shared,
                                         int group, Visit visit) {
  using Real = RealOf<P>;
  const int begin = group * P::kWidth, end = begin + P::kWidth;
  for (int v = begin / P::kVector; v * P::kVector < end; ++v) {
    const int low = max(begin - v * P::kVector, 0);
    const int high = min(end - v * P::kVector, P::kVector);
    const int last = Runs<P>::of(v, high - 1);
    for (int run = Runs<P>::of(v, low); run <= last; ++run) {
      const int channels = Runs<P>::kNarrow ? Runs<P>::kPiece : high - low;
      for (int row = threadIdx.x % 32; row < P::kRows; row += 32)
        visit(static_cast<Real>(channels * place.pixelsOfRow(row)),
              shared.mean[v][run][row], shared.squares[v][run][row]);
    }
  }
}

// A warp for each group.
template <class P, class At>
__device__ __forceinline__ void joinThreads(const At& place,
                                            SharedMoments<P>& shared) {
  using Real = RealOf<P>;
  const Real count = static_cast<Real>(place.pixels) * P::kWidth;
  const int groups = place.channels / P::kWidth;
  for (int g = threadIdx.x / 32; g < groups; g += P::kThreads / 32) {
    Real sum = 0, squares = 0;
    eachPart(place, shared, g,
             [&](Real n, Real mean, Real) { sum += n * mean; });
    sum = reduceLanes<32>(sum, AddOp());
    const Real mean = place.pixels > 0 ? sum / count : Real(0);
    eachPart(place, shared, g, [&](Real n, Real partMean, Real part) {
      squares += part + n * (partMean - mean) * (partMean - mean);
    });
    squares = reduceLanes<32>(squares, AddOp());
    if (threadIdx.x % 32 == 0)
      shared.block[g] = {mean, squares};
  }
}

// A warp's: the moments of all parts that its lanes bring, in every lane, with
// `share` = 1 / the sum of `count`.
template <int kParts, class Real>
__device__ __forceinline__ Moments<Real>
joinLanes(const Moments<Real> (&part)[kParts], const Real (&count)[kParts],
          Real share) {
  Real sum = 0, squares = 0;
#pragma unroll
  for (int i = 0; i < kParts; ++i)
    sum += count[i] * part[i].mean;
  const Real mean = reduceLanes<32>(sum, AddOp()) * share;
#pragma unroll
  for (int i = 0; i < kParts; ++i) {
    const Real apart = part[i].mean - mean;
    squares += part[i].squares + count[i] * apart * apart;
  }
  return {mean, reduceLanes<32>(squares, AddOp())};
}

// A warp's: the moments of group `group` from all blocks of the cluster, one
// block a lane, so that the reads of other blocks' memory wait for one another
// only once. countOf(rank) is how many elements a block has.
template <class P, class CountOf>
__device__ __forceinline__ Moments<RealOf<P>>
joinBlocks(const SharedMoments<P>& shared, int group, RealOf<P> share,
           CountOf countOf) {
  using Blocks = Cluster<P::kCluster>;
  const auto& own = shared.block[group];
  const int rank = threadIdx.x % 32;
  Moments<RealOf<P>> part[1] = {};
  RealOf<P> count[1] = {};
  if (rank < P::kCluster) {
    count[0] = countOf(rank);
    part[0] = {Blocks::read(&own.mean, rank), Blocks::read(&own.squares, rank)};
  }
  return joinLanes(part, count, share);
}

// Sends for gamma and beta of `channels` channels from `channel`, which wait in
// the place of the factors that they become; each thread reads what it wrote
// itself.
template <class P>
__device__ __forceinline__ void readAffine(int channel, int channels,
                                           const View* views,
                                           SharedFactors<P>& factors) {
  using Affine = typename P::Affine;
  const Affine* gamma = static_cast<const Affine*>(views[1].data) + channel;
  const Affine* beta = static_cast<const Affine*>(views[2].data) + channel;
  for (int c = threadIdx.x; c < channels; c += P::kThreads) {
    factors.scale[c] = convert<float>(gamma[c]);
    factors.shift[c] = convert<float>(beta[c]);
  }
}

// After readAffine, and SharedFactors::set for each group.
template <class P>
__device__ __forceinline__ void makeFactors(int channels,
                                            SharedFactors<P>& factors) {
  __syncthreads();
  for (int c = threadIdx.x; c < channels; c += P::kThreads) {
    const int g = c / P::kWidth;
    const auto factor = factors.scale[c] * factors.inverse[g];
    factors.scale[c] = static_cast<float>(factor);
    factors.shift[c] =
        static_cast<float>(factors.shift[c] - factors.center[g] * factor);
  }
  __syncthreads();
}

// Leaves the two factors of each channel of the span in `factors`, where
// readAffine was. Every thread of the cluster calls this once, and
// Cluster::wait() before it ends, for until then others may read its block's
// moments.
template <class P>
__device__ __forceinline__ void
joinMoments(const Place<P>& place, const ThreadMoments<P::kVector>& moments,
            SharedMoments<P>& shared, SharedFactors<P>& factors) {
  using Real = RealOf<P>;
  constexpr Real kShare = 1 / (static_cast<double>(P::kPixels) * P::kWidth);
  if (place.active())
    shareThreadMoments(place, moments, shared);
  __syncthreads();
  joinThreads(place, shared);
  Cluster<P::kCluster>::synchronize();
  const int groups = place.channels / P::kWidth;
  for (int g = threadIdx.x / 32; g < groups; g += P::kThreads / 32) {
    const auto joined = joinBlocks(shared, g, kShare, [](int rank) {
      return static_cast<Real>(Place<P>::pixelsOf(rank)) * P::kWidth;
    });
    if (threadIdx.x % 32 == 0)
      factors.set(g, joined);
  }
  Cluster<P::kCluster>::arrive();
  makeFactors(place.channels, factors);
}
