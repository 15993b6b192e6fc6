// SPDX-License-Identifier: Apache-2.0
// What follows the sums of contract_sm90.cuh: reads of the epilogue, which
// begin before the sums are complete, and the reduction of a K that is split.
#pragma once

#include "contract/tile_sm90.cuh"

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
// Partial sums are pushed, in thread order, to the CTA that finishes them: into
// memory of their own, or into stages that no one needs any more.
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
