// SPDX-License-Identifier: Apache-2.0
// GroupNorm and what follows it where an image is too large to be kept: one
// launch for the moments of shares of its pixels, one that joins them and
// applies them. moments.cuh lists what a problem P has; here kVector is 8,
// kAlign at least 16, and
//   kShares   clusters that share a span's pixels, each of a share
// Both go through whole rows of x in pieces that all blocks read side by side,
// the first from the end, where the cache still has what was written last, and
// the second from the beginning, where the first has read last.
#pragma once

#include "common/access.cuh"
#include "group_norm/moments.cuh"

// A thread's place: vector `vector`, in each piece of the block `rank` of the
// kBlocks of its span, of every kRows-th pixel from `row`.
template <class P>
struct StreamPlace {
  static constexpr int kVectors = P::kSpan / P::kVector;
  static constexpr int kSpans = (P::kChannels + P::kSpan - 1) / P::kSpan;
  static constexpr int kBlocks = P::kShares * P::kCluster;
  static constexpr int kPiece = P::kRows * P::kBatch; // pixels
  static constexpr int kPieces = (P::kPixels + kPiece - 1) / kPiece;
  static constexpr int kLast = P::kPixels - (kPieces - 1) * kPiece;
  static_assert(kBlocks <= kPieces, "every block has a piece");

  int image, channel, channels, rank, pixels, vector, row;

  __device__ __forceinline__ StreamPlace() {
    const int item = static_cast<int>(blockIdx.x) / kBlocks;
    image = item / kSpans;
    channel = item % kSpans * P::kSpan;
    channels = min(P::kSpan, P::kChannels - channel);
    rank = static_cast<int>(blockIdx.x) % kBlocks;
    pixels = pixelsOf(rank);
    vector = static_cast<int>(threadIdx.x) % kVectors;
    row = static_cast<int>(threadIdx.x) / kVectors;
  }

  // Of a block: its pieces, and pieces rank + i * kBlocks for each i below.
  static __device__ __forceinline__ int piecesOf(int rank) {
    return (kPieces - 1 - rank) / kBlocks + 1;
  }
  static __device__ __forceinline__ bool hasLast(int rank) {
    return (kPieces - 1) % kBlocks == rank;
  }
  static __device__ __forceinline__ int pixelsOf(int rank) {
    return piecesOf(rank) * kPiece - (hasLast(rank) ? kPiece - kLast : 0);
  }
  // Elements of a group in a share.
  static __device__ __forceinline__ RealOf<P> countOf(int share) {
    int sum = 0;
#pragma unroll
    for (int i = 0; i < P::kCluster; ++i)
      sum += pixelsOf(share * P::kCluster + i);
    return static_cast<RealOf<P>>(sum) * P::kWidth;
  }

  // How many pixels the threads of `row` have in the last piece, and in all of
  // the block's.
  static __device__ __forceinline__ int lastOfRow(int row) {
    return row < kLast ? (kLast - 1 - row) / P::kRows + 1 : 0;
  }
  __device__ __forceinline__ int pixelsOfRow(int row) const {
    return piecesOf(rank) * P::kBatch -
           (hasLast(rank) ? P::kBatch - lastOfRow(row) : 0);
  }
  __device__ __forceinline__ int pixelsOfPiece(int piece) const {
    return piece < kPieces - 1 ? P::kBatch : lastOfRow(row);
  }
  __device__ __forceinline__ bool active() const {
    return row < P::kRows && vector * P::kVector < channels;
  }
  __device__ __forceinline__ int column() const {
    return channel + vector * P::kVector;
  }
  // The row of x, and of the result, of pixel number `i` of a piece.
  __device__ __forceinline__ int rowOf(int piece, int i) const {
    return image * P::kPixels + piece * kPiece + i * P::kRows + row;
  }
};

// Where the moments of a group's shares lie.
template <class P>
__device__ __forceinline__ Moments<RealOf<P>>*
sharesOf(const View& moments, int image, int group) {
  constexpr int kGroups = P::kChannels / P::kWidth;
  return static_cast<Moments<RealOf<P>>*>(moments.data) +
         static_cast<i64>(image * kGroups + group) * P::kShares;
}

template <class P>
__device__ __forceinline__ void streamMoments(const StreamPlace<P>& place,
                                              const View& x,
                                              ThreadMoments<8>& moments) {
  const auto* from =
      static_cast<const typename P::X*>(x.data) + place.column();
  for (int i = StreamPlace<P>::piecesOf(place.rank) - 1; i >= 0; --i) {
    const int piece = place.rank + i * StreamPlace<P>::kBlocks;
    const int count = place.pixelsOfPiece(piece);
    if (count == 0)
      continue;
    float values[P::kBatch][8];
#pragma unroll
    for (int j = 0; j < P::kBatch; ++j)
      // Past the end the last one again, so that no load waits for a branch.
      loadInput<16>(from + place.rowOf(piece, min(j, count - 1)) * x.pitch,
                    values[j]);
    moments.add(values, count);
  }
}

// Views: x, moments.
template <class P>
__device__ __forceinline__ void groupMoments(const View* views) {
  using Real = RealOf<P>;
  using Blocks = Cluster<P::kCluster>;
  __shared__ SharedMoments<P> shared;
  const StreamPlace<P> place;
  letNextStart();
  waitForPrevious();
  ThreadMoments<8> moments;
  if (place.active()) {
    streamMoments(place, views[0], moments);
    shareThreadMoments(place, moments, shared);
  }
  __syncthreads();
  joinThreads(place, shared);
  Blocks::synchronize();
  const int share = place.rank / P::kCluster;
  const Real part = 1 / StreamPlace<P>::countOf(share);
  const int groups = place.channels / P::kWidth;
  // The blocks of a cluster take turns with the groups.
  for (int g = threadIdx.x / 32 * P::kCluster + Blocks::rank(); g < groups;
       g += P::kThreads / 32 * P::kCluster) {
    const auto joined = joinBlocks(shared, g, part, [&](int rank) {
      return static_cast<Real>(StreamPlace<P>::pixelsOf(
                 share * P::kCluster + rank)) *
             P::kWidth;
    });
    if (threadIdx.x % 32 == 0)
      sharesOf<P>(views[1], place.image, place.channel / P::kWidth + g)[share] =
          joined;
  }
  Blocks::arrive();
  Blocks::wait();
}

// A warp for each group: its moments from all shares.
template <class P>
__device__ __forceinline__ void joinShares(const StreamPlace<P>& place,
                                           const View& moments,
                                           SharedFactors<P>& factors) {
  using Real = RealOf<P>;
  constexpr Real kShare = 1 / (static_cast<double>(P::kPixels) * P::kWidth);
  constexpr int kParts = (P::kShares + 31) / 32;
  const int groups = place.channels / P::kWidth;
  for (int g = threadIdx.x / 32; g < groups; g += P::kThreads / 32) {
    const auto* of =
        sharesOf<P>(moments, place.image, place.channel / P::kWidth + g);
    Moments<Real> part[kParts] = {};
    Real count[kParts] = {};
#pragma unroll
    for (int i = 0; i < kParts; ++i) {
      const int share = static_cast<int>(threadIdx.x) % 32 + i * 32;
      if (share < P::kShares) {
        part[i] = of[share];
        count[i] = StreamPlace<P>::countOf(share);
      }
    }
    const auto joined = joinLanes(part, count, kShare);
    if (threadIdx.x % 32 == 0)
      factors.set(g, joined);
  }
}

template <class P, class Epilogue>
__device__ __forceinline__ void
applyPiece(const StreamPlace<P>& place, int piece, const View& x,
           const View* following, const float (&scale)[8],
           const float (&shift)[8]) {
  const Epilogue epilogue{};
  const int count = place.pixelsOfPiece(piece);
  const auto* from =
      static_cast<const typename P::X*>(x.data) + place.column();
  Packed<typename P::X, 8, 16> kept[P::kBatch];
  typename Epilogue::Operand operand[P::kBatch];
#pragma unroll
  for (int j = 0; j < P::kBatch; ++j)
    if (j < count) {
      const int row = place.rowOf(piece, j);
      fetch(from + row * x.pitch, kept[j]);
      operand[j] = epilogue.fetch(following, row, place.column());
    }
#pragma unroll
  for (int j = 0; j < P::kBatch; ++j)
    if (j < count) {
      float value[8], gate[8] = {};
      unpack(kept[j], value);
#pragma unroll
      for (int c = 0; c < 8; ++c)
        value[c] = value[c] * scale[c] + shift[c];
      epilogue.finish(following, value, gate, operand[j],
                      place.rowOf(piece, j), place.column());
    }
}

// Views: x, gamma, beta, moments, then the epilogue's.
template <class P, class Epilogue>
__device__ __forceinline__ void groupApply(const View* views) {
  using At = StreamPlace<P>;
  __shared__ SharedFactors<P> factors;
  const At place;
  letNextStart();
  waitForPrevious();
  readAffine(place.channel, place.channels, views, factors);
  joinShares(place, views[3], factors);
  makeFactors(place.channels, factors);
  if (!place.active())
    return;
  float scale[8], shift[8];
  load<16>(factors.scale + place.vector * 8, scale);
  load<16>(factors.shift + place.vector * 8, shift);
  for (int i = 0; i < At::piecesOf(place.rank); ++i)
    applyPiece<P, Epilogue>(place, place.rank + i * At::kBlocks, views[0],
                            views + 4, scale, shift);
}
