// SPDX-License-Identifier: Apache-2.0
// What a CTA of contract_sm90.cuh computes, where its stages lie in shared
// memory, and the sums of a thread.
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
    const int steps = s.chunks * s.taps + s.shortcutChunks;
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

// A consumer's part of the tile: sums of rows row0 + 64 mb + 8 half and
// columns column0 + 32 q .. + 7.
template <class T>
struct Sums {
  float v[T::kMB][T::kBN / 2];

  __device__ __forceinline__ float at(int mb, int q, int half, int j) const {
    return v[mb][(q * 4 + j / 2) * 4 + half * 2 + j % 2];
  }
};
