// SPDX-License-Identifier: Apache-2.0
// Contraction on Hopper: convolution as an implicit product of matrices, and
// the product of matrices as the convolution with a 1x1 kernel.
//   out[n,h,w,o] = finish(sum over tap, c of
//                         in[n, h*stride+dy, w*stride+dx, c] * weight[o,tap,c])
// A shortcut adds the sum over c of its own input's [n,h,w,c] * weight[o,c]:
// K steps after those of the taps.
//
// Input: boxes (64 channels, w, h, n) of the 4-D activation by the copy
// engine. What leaves the picture or its channels arrives as zeros: that is
// the padding. Weights: boxes of the packed matrix of tiling.cuh.
//
// A CTA is one producing warpgroup and kConsumers that multiply. Shared
// memory: kStages stages of {kBM x 64 input, kBN x 64 weights} and two
// barriers a stage, `full` (bytes have landed) and `empty` (every reader is
// done). CTAs of a cluster share input along kCN and weights along kCM by
// multicast, and split K over kCK; partial sums meet in shared memory in a
// fixed order. The sum of a row does not depend on where in a tile it lies,
// nor on the rows beside it, and repeats bit for bit.
#pragma once

#include "contract/finish_sm90.cuh"

// Weights of K step k into stage `slot`; `it` counts steps over all tiles.
template <class T, int kGates>
__device__ __forceinline__ void
loadWeights(const Place<T>& p, const TensorMap& map, const ContractShape& s,
            const TileOrigin& o, u32 slot, u32 it, int k, u16 mask) {
  const u32 to = p.base + slot * T::kStageBytes + T::kABytes;
  const u32 barrier = p.full + 8 * slot;
  barrierExpect(barrier, T::kStageBytes);
  // The CTAs that share a tile load it in turn, for all of them.
  if (T::kCM > 1 && it % T::kCM != p.cm)
    return;
  const int row = o.phase * kGates * s.paddedOutputs + o.c;
  loadBox(to, map, barrier, k * 128, row, mask);
  if (kGates == 2)
    loadBox(to + T::kBBytes / 2, map, barrier, k * 128, row + s.paddedOutputs,
            mask);
}

// One thread keeps the stages full. Without a shortcut mapS is not looked at.
template <class T, int kGates, bool kShortcut>
__device__ __forceinline__ void
produce(const Place<T>& p, const TensorMap& mapA, const TensorMap& mapB,
        const TensorMap& mapS, const ContractShape& s) {
  const u16 maskA =
      T::kCN > 1 ? static_cast<u16>(((1u << T::kCN) - 1) << (p.rank - p.cn))
                 : 0;
  u16 maskB = 0;
  if (T::kCM > 1)
    for (int i = 0; i < T::kCM; ++i)
      maskB |= static_cast<u16>(1u << (p.rank + (i - p.cm) * T::kCN));
  u32 it = 0, slot = 0, phase = 1;
  for (int work = p.first; work < p.works; work += p.clusters) {
    const TileOrigin o =
        tileOrigin<T::kCM, T::kCN>(s, T::kBN / kGates, work, p.cm, p.cn);
    // Weights of two steps are sent for before the kernel before is known to be
    // done; more would delay the first input.
    if (work == p.first) {
      for (int i = 0; i < min(2, p.kEnd - p.kBegin); ++i)
        loadWeights<T, kGates>(p, mapB, s, o, i, i, p.kBegin + i, maskB);
      waitForPrevious();
    }
    const int tap = p.kBegin / s.chunks, column = firstInputColumn(s, o);
    int x = column + tap % s.kernelWidth;
    int y = firstInputRow(s, o) + tap / s.kernelWidth;
    int chunk = p.kBegin % s.chunks;
    for (int k = p.kBegin; k < p.kEnd; ++k, ++it) {
      if (k >= p.kBegin + 2 || work != p.first) {
        barrierWait(p.empty + 8 * slot, phase);
        loadWeights<T, kGates>(p, mapB, s, o, slot, it, k, maskB);
      }
      if (T::kCN == 1 || it % T::kCN == p.cn) {
        const u32 to = p.base + slot * T::kStageBytes;
        const int beyond = k - s.chunks * s.taps;
        if (kShortcut && beyond >= 0)
          loadBox(to, mapS, p.full + 8 * slot, beyond * kChunk, o.w, o.h, o.n,
                  maskA);
        else
          loadBox(to, mapA, p.full + 8 * slot, chunk * kChunk, x, y, o.n,
                  maskA);
      }
      if (++chunk == s.chunks) {
        chunk = 0;
        if (++x == column + s.kernelWidth) {
          x = column;
          ++y;
        }
      }
      if (++slot == T::kStages) {
        slot = 0;
        phase ^= 1;
      }
    }
    if (T::kCK > 1) // its one tile
      return;
  }
}

// Tells every CTA that fills this stage that one warp is done with it.
template <class T>
__device__ __forceinline__ void release(const Place<T>& p, u32 slot) {
  const int lane = threadIdx.x % 32;
  const u32 barrier = p.empty + 8 * slot;
  if (T::kPeers == 1) {
    if (lane == 0)
      barrierArrive(barrier);
  } else if (lane < T::kPeers) {
    const int along =
        lane < T::kCN
            ? p.rank - p.cn + lane
            : p.rank + ((p.cm + lane - T::kCN + 1) % T::kCM - p.cm) * T::kCN;
    barrierArrivePeer(barrier, along);
  }
}

// The products of K steps [kBegin, kEnd). Returns the last stage, which is
// not released yet: the sums are complete after waitForProducts().
template <class T>
__device__ __forceinline__ u32 multiply(const Place<T>& p, Sums<T>& sums,
                                        int consumer, u32& it) {
  u32 previous = 0;
  for (int k = p.kBegin; k < p.kEnd; ++k, ++it) {
    const u32 slot = it % T::kStages;
    barrierWait(p.full + 8 * slot, it / T::kStages & 1);
    const u32 stage = p.base + slot * T::kStageBytes;
    const u32 a = stage + (T::kPingPong ? 0 : consumer * T::kMB * 8192);
    const u32 b = stage + T::kABytes;
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#pragma unroll
    for (int kk = 0; kk < 4; ++kk)
#pragma unroll
      for (int mb = 0; mb < T::kMB; ++mb)
        Wgmma<T::kBN>::mma(sums.v[mb], matrixOperand(a + mb * 8192) + 2 * kk,
                           matrixOperand(b) + 2 * kk, k != p.kBegin || kk != 0);
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
    asm volatile("wgmma.wait_group.sync.aligned 1;" ::: "memory");
    if (k != p.kBegin)
      release(p, previous);
    previous = slot;
  }
  return previous;
}
__device__ __forceinline__ void waitForProducts() {
  asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
}

// The one tile of a cluster that splits K.
template <class T, class Epilogue>
__device__ __forceinline__ void
splitTile(const Place<T>& p, const ContractShape& s, const TileOrigin& o,
          Sums<T>& sums, const View* views, int consumer, int row0,
          int column0) {
  constexpr u32 kPitch = T::kConsumers * 128 * 16;
  constexpr bool kEarly = T::kConsumers < 3; // see rowsAhead
  const u32 mine = p.base + T::kPartialsAt + (threadIdx.x - 128) * 16;
  SplitReads<T, Epilogue> reads;
  if (kEarly)
    reads.fetch(p, s, o, views, row0, column0);
  u32 it = 0;
  multiply(p, sums, consumer, it);
  waitForProducts();
  if (!T::kApart)
    clusterSync(); // every CTA is done with its stages
  pushSums(p, sums, mine, kPitch);
  if (!kEarly)
    reads.fetch(p, s, o, views, row0, column0);
  clusterSync(); // every partial sum has arrived
#pragma unroll
  for (int j = 0; j < T::kShare; ++j) {
    if (reads.row[j] < 0)
      continue;
    float value[8] = {0, 0, 0, 0, 0, 0, 0, 0}, gate[8] = {};
#pragma unroll
    for (int peer = 0; peer < T::kCK; ++peer)
      addShared(value, mine + (peer * T::kShare + j) * 2 * kPitch, kPitch);
    Epilogue{}.finish(views, value, gate, reads.operand[j], reads.row[j],
                      reads.column[j]);
  }
}

template <class T, class Epilogue>
__device__ __forceinline__ void consume(const Place<T>& p,
                                        const ContractShape& s,
                                        const View* views, int consumer) {
  constexpr int kGates = Epilogue::kGated ? 2 : 1;
  constexpr int kTurns = T::kPingPong ? T::kConsumers : 1;
  const int warp = threadIdx.x % 128 / 32, lane = threadIdx.x % 32;
  const int row0 =
      (T::kPingPong ? 0 : consumer * T::kMB * 64) + warp * 16 + lane / 4;
  const int column0 = lane % 4 * 8;
  const auto originOf = [&](int work) {
    return tileOrigin<T::kCM, T::kCN>(s, T::kBN / kGates, work, p.cm, p.cn);
  };
  const int steps = p.kEnd - p.kBegin;
  int work = p.first + (T::kPingPong ? consumer * p.clusters : 0);
  u32 it = T::kPingPong ? consumer * steps : 0;
  TileOrigin o = originOf(work);
  Sums<T> sums;
  if constexpr (T::kCK > 1) {
    if (work < p.works)
      splitTile<T, Epilogue>(p, s, o, sums, views, consumer, row0, column0);
    return;
  }
  for (u32 turn = 0; work < p.works; ++turn) {
    const int column = o.c + column0;
    RowReads<T, Epilogue> reads;
    if (rowsAhead<T, Epilogue>() > 0)
      reads.fetch(s, o, views, row0, column, 0);
    // A parity wait cannot tell a phase from the one two later, so a
    // warpgroup may look at the stages only in its turn.
    if (T::kPingPong)
      barrierWait(p.turns + 8 * consumer, (turn & 1) ^ (consumer == 0));
    const u32 last = multiply(p, sums, consumer, it);
    if (T::kPingPong && lane == 0)
      barrierArrive(p.turns + 8 * ((consumer + 1) % T::kConsumers));
    // Divisions, while the last products are made.
    const TileOrigin done = o;
    work += p.clusters * kTurns;
    it += steps * (kTurns - 1);
    o = originOf(work);
    waitForProducts();
    release(p, last);
    finishTile<T, Epilogue>(s, done, sums, reads, views, row0, column);
  }
}

template <class T, class Epilogue, bool kShortcut>
__device__ __forceinline__ void
contract(const View* views, const TensorMap& mapA, const TensorMap& mapB,
         const TensorMap& mapS, const ContractShape& s) {
  constexpr int kGates = Epilogue::kGated ? 2 : 1;
  static_assert(kGates == 1 || T::kCK == 1, "gates are not reduced");
  static_assert(T::kBN / kGates % 32 == 0, "gates are whole groups");
  extern __shared__ unsigned char shared[];
  const Place<T> place(shared, s);
  const int group = threadIdx.x / 128; // 0 produces, 1.. consume
  if (threadIdx.x == 0) {
    initBarriers(place);
    prefetchMap(mapA);
    prefetchMap(mapB);
    if (kShortcut)
      prefetchMap(mapS);
  }
  if (T::kCluster > 1)
    clusterSync();
  else
    __syncthreads();
  letNextStart();

  if (group == 0) {
    if constexpr (T::kMovesRegisters)
      asm volatile(
          "setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(T::kLoadRegisters));
    if (threadIdx.x == 0)
      produce<T, kGates, kShortcut>(place, mapA, mapB, mapS, s);
    __syncwarp();
    if (T::kCK > 1) { // those of the reduction
      if (!T::kApart)
        clusterSync();
      clusterSync();
    }
  } else {
    if constexpr (T::kMovesRegisters)
      asm volatile(
          "setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(T::kSumRegisters));
    waitForPrevious();
    consume<T, Epilogue>(place, s, views, group - 1);
  }
  // A CTA's shared memory and barriers outlive every peer's use of them.
  if (T::kCluster > 1 && T::kCK == 1)
    clusterSync();
}
