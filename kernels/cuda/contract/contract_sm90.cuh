// SPDX-License-Identifier: Apache-2.0
// Contraction on Hopper: convolution as an implicit product of matrices, and
// the product of matrices as the convolution with a 1x1 kernel.
//   out[n,h,w,o] = finish(sum over tap, c of
//                         in[n, h*stride+dy, w*stride+dx, c] * weight[o,tap,c])
//
// Input: boxes (64 channels, w, h, n) of the 4-D activation by the copy
// engine. What leaves the picture or its channels arrives as zeros: that is
// the padding. Weights: boxes of the packed matrix of tiling.cuh.
//
// A CTA is one producing warpgroup and kConsumers that multiply. Shared
// memory: kStages stages of {kBM x 64 input, kBN x 64 weights} and two
// barriers a stage, `full` (bytes have landed) and `empty` (every reader is
// done). Registers: 40 and 224 a thread with two consumers, 32 and 160 with
// three. CTAs of a cluster share input along kCN and weights along kCM by
// multicast, and split K over kCK; partial sums meet in shared memory in a
// fixed order. The sum of a row does not depend on where in a tile it lies,
// nor on the rows beside it, and repeats bit for bit.
#pragma once

#include "contract/hopper.cuh"
#include "contract/tiling.cuh"

// kPingPong: each consumer owns whole tiles in turn, so that the epilogue of
// one runs under the products of the other. kResident: CTAs of a
// multiprocessor; with two, the next kernel's fill their stages with weights
// while this kernel's still run. kApart: partial sums have memory of their own
// and need not wait until all stages of the cluster are free.
template <int kBM_, int kBN_, int kStages_, int kConsumers_, int kCM_, int kCN_,
          int kCK_, bool kPingPong_, int kResident_, bool kApart_>
struct Tile {
  static constexpr int kBM = kBM_, kBN = kBN_, kStages = kStages_;
  static constexpr int kConsumers = kConsumers_;
  static constexpr int kCM = kCM_, kCN = kCN_, kCK = kCK_;
  static constexpr bool kPingPong = kPingPong_;
  static constexpr int kResident = kResident_;
  static constexpr bool kApart = kApart_;
  // Registers of a thread that loads and of one that multiplies. One consumer
  // and its producer keep those that they are launched with.
  static constexpr bool kMovesRegisters = kConsumers > 1;
  static constexpr int kLoadRegisters =
      kConsumers == 2 && kResident == 1 ? 40 : 32;
  static constexpr int kSumRegisters =
      kConsumers == 1   ? (kResident == 1 ? 255 : 128)
      : kConsumers == 2 ? (kResident == 1 ? 224 : 104)
                        : 160;
  // Blocks of 64 rows per warpgroup.
  static constexpr int kMB = kPingPong ? kBM / 64 : kBM / 64 / kConsumers;
  static constexpr int kABytes = kBM * 128, kBBytes = kBN * 128;
  static constexpr int kStageBytes = kABytes + kBBytes;
  static constexpr int kCluster = kCM * kCN * kCK;
  static constexpr int kThreads = (kConsumers + 1) * 128;
  // CTAs that write into this one's stages, itself included.
  static constexpr int kPeers = kCM + kCN - 1;
  // Groups of 8 sums per thread; those that a CTA finishes when K is split.
  static constexpr int kGroups = kMB * 2 * (kBN / 32);
  static constexpr int kShare = (kGroups + kCK - 1) / kCK;
  static_assert(kBN % 32 == 0 && kMB * 64 * (kPingPong ? 1 : kConsumers) == kBM,
                "tile");
  static_assert(!(kPingPong && kCK > 1), "a split keeps one tile per cluster");
  static constexpr int kPartialBytes = kCK * kShare * kConsumers * 4096;
  static constexpr int kRingBytes = kStages * kStageBytes;
  static constexpr int kPartialsAt = kApart ? kRingBytes : 0;
  static constexpr int kBarriersAt = kRingBytes + (kApart ? kPartialBytes : 0);
  static_assert(kApart || kCK == 1 || kPartialBytes <= kRingBytes,
                "partial sums reuse the stages");
};

// A CTA's place in its cluster and its share of the work.
template <class T>
struct Place {
  u32 base, full, empty, turns; // addresses in shared memory
  u32 rank;
  int cm, cn, ck;
  int clusters, first, works; // pieces first, first + clusters, ..
  int kBegin, kEnd;

  __device__ __forceinline__ Place(const void* shared, const ContractShape& s) {
    base = (sharedAddress(shared) + 1023) & ~1023u;
    full = base + T::kBarriersAt;
    empty = full + 8 * T::kStages;
    turns = empty + 8 * T::kStages;
    rank = T::kCluster > 1 ? clusterRank() : 0;
    cn = rank % T::kCN;
    cm = rank / T::kCN % T::kCM;
    ck = rank / (T::kCN * T::kCM);
    clusters = gridDim.x / T::kCluster;
    first = blockIdx.x / T::kCluster;
    const int tilesM = s.phases * s.tilesN * s.tilesH * s.tilesW;
    works = (tilesM + T::kCM - 1) / T::kCM * ((s.tilesC + T::kCN - 1) / T::kCN);
    const int steps = s.chunks * s.taps;
    kBegin = steps * ck / T::kCK;
    kEnd = steps * (ck + 1) / T::kCK;
  }
};

template <class T>
__device__ __forceinline__ void initBarriers(const Place<T>& p) {
  for (int i = 0; i < T::kStages; ++i) {
    barrierInit(p.full + 8 * i, 1);
    barrierInit(p.empty + 8 * i,
                (T::kPingPong ? 1 : T::kConsumers) * 4 * T::kPeers);
  }
  for (int i = 0; i < T::kConsumers; ++i)
    barrierInit(p.turns + 8 * i, 4);
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}

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

// One thread keeps the stages full.
template <class T, int kGates>
__device__ __forceinline__ void
produce(const Place<T>& p, const TensorMap& mapA, const TensorMap& mapB,
        const ContractShape& s) {
  const u16 maskA =
      T::kCN > 1 ? static_cast<u16>(((1u << T::kCN) - 1) << (p.rank - p.cn))
                 : 0;
  u16 maskB = 0;
  if (T::kCM > 1)
    for (int i = 0; i < T::kCM; ++i)
      maskB |= static_cast<u16>(1u << (p.rank + (i - p.cm) * T::kCN));
  // Weights of two steps are sent for before the kernel before is known to be
  // done; more would delay the first input.
  const u32 head = min(2, p.kEnd - p.kBegin);
  u32 it = 0, slot = 0, phase = 1;
  for (int work = p.first; work < p.works; work += p.clusters) {
    const TileOrigin o =
        tileOrigin<T::kCM, T::kCN>(s, T::kBN / kGates, work, p.cm, p.cn);
    if (work == p.first) {
      for (u32 i = 0; i < head; ++i)
        loadWeights<T, kGates>(p, mapB, s, o, i, i, p.kBegin + i, maskB);
      waitForPrevious();
    }
    const int row = firstInputRow(s, o), column = firstInputColumn(s, o);
    const int tap = p.kBegin / s.chunks;
    int chunk = p.kBegin % s.chunks;
    int dy = tap / s.kernelWidth, dx = tap % s.kernelWidth;
    for (int k = p.kBegin; k < p.kEnd; ++k, ++it) {
      if (it >= head) {
        barrierWait(p.empty + 8 * slot, phase);
        loadWeights<T, kGates>(p, mapB, s, o, slot, it, k, maskB);
      }
      if (T::kCN == 1 || it % T::kCN == p.cn)
        loadBox(p.base + slot * T::kStageBytes, mapA, p.full + 8 * slot,
                chunk * kChunk, column + dx, row + dy, o.n, maskA);
      if (++chunk == s.chunks) {
        chunk = 0;
        if (++dx == s.kernelWidth) {
          dx = 0;
          ++dy;
        }
      }
      if (++slot == T::kStages) {
        slot = 0;
        phase ^= 1;
      }
    }
  }
}

// A consumer's part of the tile: sums of rows row0 + 64 mb + 8 half and
// columns column0 + 32 q .. + 7.
template <class T>
struct Sums {
  float v[T::kMB][T::kBN / 2];

  __device__ __forceinline__ float at(int mb, int q, int half, int j) const {
    return v[mb][(q * 4 + j / 2) * 4 + half * 2 + j % 2];
  }
};

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

// What an epilogue reads beside the sums of one row.
template <class T, class Epilogue>
struct RowReads {
  static constexpr int kGates = Epilogue::kGated ? 2 : 1;
  static constexpr int kQ = T::kBN / 32 / kGates;
  typename Epilogue::Operand operand[kQ];
  int row;

  // Row `i` of the 2 kMB that a thread has sums of.
  __device__ __forceinline__ void fetch(const ContractShape& s,
                                        const TileOrigin& o, const View* views,
                                        int row0, int column, int i) {
    row = tileRow(s, o, row0 + i / 2 * 64 + i % 2 * 8);
#pragma unroll
    for (int q = 0; q < kQ; ++q)
      if (row >= 0 && column + q * 32 < Epilogue::kOutputs)
        operand[q] = Epilogue{}.fetch(views, row, column + q * 32);
  }
};

// How many rows' reads are on their way while sums are made and finished, as
// far as registers last: those of the first before the products, those of
// each further row before the one above it is finished. Consumers that take
// turns need not hurry; three of them have 160 registers a thread, which 80
// sums and early reads overcommit: 0.7 us of 13 at 12288 x 320 x 320.
template <class T, class Epilogue>
__device__ constexpr int rowsAhead() {
  constexpr int kOthers = T::kConsumers == 3 ? 60 : T::kPingPong ? 48 : 36;
  constexpr int kReads = (sizeof(RowReads<T, Epilogue>) + 3) / 4;
  constexpr int kFree = T::kSumRegisters - T::kMB * T::kBN / 2 - kOthers;
  return !T::kPingPong && kFree >= 2 * kReads ? 2 : kFree >= kReads ? 1 : 0;
}

template <class T, class Epilogue>
__device__ __forceinline__ void
finishTile(const ContractShape& s, const TileOrigin& o, const Sums<T>& sums,
           RowReads<T, Epilogue> reads, const View* views, int row0,
           int column) {
  using Reads = RowReads<T, Epilogue>;
  constexpr int kRows = 2 * T::kMB, kAhead = rowsAhead<T, Epilogue>();
#pragma unroll
  for (int i = 0; i < kRows; ++i) {
    Reads next;
    if (kAhead == 2 && i + 1 < kRows)
      next.fetch(s, o, views, row0, column, i + 1);
    if (kAhead == 0 || (kAhead == 1 && i > 0))
      reads.fetch(s, o, views, row0, column, i);
    if (reads.row >= 0) {
#pragma unroll
      for (int q = 0; q < Reads::kQ; ++q) {
        float value[8], gate[8];
#pragma unroll
        for (int j = 0; j < 8; ++j) {
          value[j] = sums.at(i / 2, q, i % 2, j);
          gate[j] = Reads::kGates == 2
                        ? sums.at(i / 2, q + T::kBN / 64, i % 2, j)
                        : 0.f;
        }
        if (column + q * 32 < Epilogue::kOutputs)
          Epilogue{}.finish(views, value, gate, reads.operand[q], reads.row,
                            column + q * 32);
      }
    }
    if (kAhead == 2)
      reads = next;
  }
}

// K is split: each CTA of the cluster finishes every kCK-th group of 8 sums.
// Partial sums are pushed, in thread order, into the stages of the CTA that
// finishes them.
template <class T>
__device__ __forceinline__ void pushSums(const Place<T>& p, const Sums<T>& sums,
                                         u32 mine, u32 pitch) {
  constexpr int kPlane = T::kCM * T::kCN;
#pragma unroll
  for (int g = 0; g < T::kGroups; ++g)
#pragma unroll
    for (int part = 0; part < 2; ++part) {
      const int q = g % (T::kBN / 32), half = g / (T::kBN / 32) % 2;
      const int mb = g / (T::kBN / 16), j = 4 * part;
      const u32 to = peerAddress(
          mine + ((p.ck * T::kShare + g / T::kCK) * 2 + part) * pitch,
          g % T::kCK * kPlane + p.rank % kPlane);
      asm volatile(
          "st.shared::cluster.v4.f32 [%0], {%1, %2, %3, %4};" ::"r"(to),
          "f"(sums.at(mb, q, half, j)), "f"(sums.at(mb, q, half, j + 1)),
          "f"(sums.at(mb, q, half, j + 2)), "f"(sums.at(mb, q, half, j + 3))
          : "memory");
    }
}

__device__ __forceinline__ void addShared(float (&value)[8], u32 from,
                                          u32 pitch) {
  float t[8];
  asm volatile("ld.shared.v4.f32 {%0, %1, %2, %3}, [%4];"
               : "=f"(t[0]), "=f"(t[1]), "=f"(t[2]), "=f"(t[3])
               : "r"(from));
  asm volatile("ld.shared.v4.f32 {%0, %1, %2, %3}, [%4];"
               : "=f"(t[4]), "=f"(t[5]), "=f"(t[6]), "=f"(t[7])
               : "r"(from + pitch));
#pragma unroll
  for (int i = 0; i < 8; ++i)
    value[i] += t[i];
}

// The groups of 8 sums that this CTA finishes, and what the epilogue reads
// beside them.
template <class T, class Epilogue>
struct SplitReads {
  int row[T::kShare], column[T::kShare];
  typename Epilogue::Operand operand[T::kShare];

  __device__ __forceinline__ void fetch(const Place<T>& p,
                                        const ContractShape& s,
                                        const TileOrigin& o, const View* views,
                                        int row0, int column0) {
#pragma unroll
    for (int j = 0; j < T::kShare; ++j) {
      const int g = j * T::kCK + p.ck;
      const int q = g % (T::kBN / 32), half = g / (T::kBN / 32) % 2;
      const int mb = g / (T::kBN / 16);
      column[j] = o.c + column0 + q * 32;
      row[j] = g < T::kGroups && column[j] < Epilogue::kOutputs
                   ? tileRow(s, o, row0 + mb * 64 + half * 8)
                   : -1;
      if (row[j] >= 0)
        operand[j] = Epilogue{}.fetch(views, row[j], column[j]);
    }
  }
};

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

template <class T, class Epilogue>
__device__ __forceinline__ void
contract(const View* views, const TensorMap& mapA, const TensorMap& mapB,
         const ContractShape& s) {
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
      produce<T, kGates>(place, mapA, mapB, s);
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
