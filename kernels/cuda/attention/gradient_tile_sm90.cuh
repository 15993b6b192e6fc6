// SPDX-License-Identifier: Apache-2.0
// What a block of gradient_sm90.cuh computes, where its operands lie in shared
// memory, and the thread that loads them.
//
// Rows of heads lie as in tile_sm90.cuh, in boxes of 64 columns and a narrower
// last one; where a product reads 8 columns beyond a head, these are zeros.
#pragma once

#include "attention/statistics.cuh"
#include "attention/tile_sm90.cuh"

struct GradientProblem {
  int heads;
  int tiles;    // blocks of one head
  int rows;     // tokens that stay, of an image
  int streamed; // tokens that pass
  int images;
  float scale;
  float scaleLog2; // c, positive
};

// `kTokens` pass at a time while 64 stay with each of `kGroups` warpgroups.
// These stay in registers, as first operands, where kHeld.
template <int kWidth_, int kTokens_, int kGroups_, int kStages_, bool kHeld_,
          bool kHalf_>
struct GradientTile {
  static constexpr int kWidth = kWidth_;
  static constexpr int kTokens = kTokens_;
  static constexpr int kGroups = kGroups_;
  static constexpr int kStages = kStages_;
  static constexpr bool kHeld = kHeld_;
  static constexpr bool kHalf = kHalf_;
  static_assert(kTokens % 16 == 0 && kWidth % 8 == 0, "whole products");
  static_assert(kStatisticsPadding % kTokens == 0, "whole statistics");
  static_assert(kStages > 1, "a block is awaited before the last is free");

  static constexpr int kWhole = kWidth / 64; // boxes of 64 columns
  static constexpr int kRest = kWidth % 64;  // columns of the last box
  static constexpr int kPieces = kWhole + (kRest > 0);
  static constexpr int kSteps = (kWidth + 15) / 16;

  static constexpr int kRowPieceBytes = 64 * 128;
  static constexpr int kRowBytes = kPieces * kRowPieceBytes; // of an operand
  static constexpr int kPieceBytes = kTokens * 128;
  static constexpr int kBytes = kPieces * kPieceBytes; // of an operand
  static constexpr int kStatisticsBytes =
      kTokens * static_cast<int>(sizeof(QueryStatistics));
  static constexpr int kSharedBytes =
      1024 + kGroups * 2 * kRowBytes +
      kStages * (2 * kBytes + kStatisticsBytes) + 8 * (kGroups + 2 * kStages);

  static constexpr int kConsumers = kGroups * 128;
  static constexpr int kThreads = kConsumers + 128;
  static constexpr int kShare = 65536 / kThreads / 8 * 8;
  static constexpr int kCap = kShare > 248 ? 248 : kShare;
  static constexpr int kProducerRegisters = 24;
  static constexpr int kLeft =
      (kCap * (kGroups + 1) - kProducerRegisters) / kGroups / 8 * 8;
  static constexpr int kConsumerRegisters = kLeft > 240 ? 240 : kLeft;
};

// Where things lie in shared memory, and which tile the block computes.
template <class T>
struct GradientPlace {
  u32 rows; // [group][operand]; the rest lies behind
  int tile, head, image;
  int groups; // that have rows
  int blocks; // of streamed tokens

  // Tiles vary fastest: blocks that run together read the same head.
  __device__ __forceinline__ explicit GradientPlace(
      const GradientProblem& problem) {
    extern __shared__ unsigned char dynamicShared[];
    rows = (sharedAddress(dynamicShared) + 1023) & ~1023u;

    int rest = blockIdx.x;
    tile = rest % problem.tiles;
    rest /= problem.tiles;
    head = rest % problem.heads;
    image = rest / problem.heads;

    const int left = (problem.rows - tile * T::kGroups * 64 + 63) / 64;
    groups = left < T::kGroups ? left : T::kGroups;
    blocks = (problem.streamed + T::kTokens - 1) / T::kTokens;
  }

  __device__ __forceinline__ u32 rowsOf(int group, int operand) const {
    return rows + (2 * group + operand) * T::kRowBytes;
  }
  __device__ __forceinline__ u32 streamedOf(u32 stage, int operand) const {
    return rows + T::kGroups * 2 * T::kRowBytes +
           (2 * stage + operand) * T::kBytes;
  }
  __device__ __forceinline__ u32 statisticsOf(u32 stage) const {
    return streamedOf(T::kStages, 0) + stage * T::kStatisticsBytes;
  }
  // Barriers.
  __device__ __forceinline__ u32 fullRows(int group) const {
    return statisticsOf(T::kStages) + 8 * group;
  }
  __device__ __forceinline__ u32 full(u32 stage) const {
    return fullRows(T::kGroups) + 8 * stage;
  }
  __device__ __forceinline__ u32 empty(u32 stage) const {
    return full(T::kStages) + 8 * stage;
  }

  __device__ __forceinline__ void initBarriers() const {
    for (int i = 0; i < T::kGroups; ++i)
      initBarrier(fullRows(i), 1);
    for (int i = 0; i < T::kStages; ++i) {
      initBarrier(full(i), 1);
      initBarrier(empty(i), groups * 4);
    }
    publishBarriers();
  }

  // `count` rows of 128 bytes, for all threads.
  __device__ __forceinline__ void fillPads(u32 pieces, int count) const {
    for (int i = threadIdx.x; i < count; i += T::kThreads)
      storeChunk(pieces + i * 128 + ((T::kRest / 8 ^ (i & 7)) << 4), 0);
  }
  __device__ __forceinline__ void fillPads() const {
    for (int i = 0; i < 2 * T::kGroups; ++i)
      fillPads(rowsOf(0, i) + T::kWhole * T::kRowPieceBytes, 64);
    for (int i = 0; i < 2 * T::kStages; ++i)
      fillPads(streamedOf(0, i) + T::kWhole * T::kPieceBytes, T::kTokens);
    publishToCopies();
  }
};

// Two tensors of a kind: what stays, or what passes.
struct MapPair {
  Maps operand[2];
};

// One thread loads everything.
template <class T>
struct GradientProducer {
  const GradientPlace<T>& at;
  const MapPair& mapRows;
  const MapPair& mapStreamed;

  __device__ __forceinline__ void load(u32 to, u32 pieceBytes, const Maps& maps,
                                       u32 barrier, int token) const {
    for (int piece = 0; piece < T::kWhole; ++piece)
      loadBox(to + piece * pieceBytes, maps.whole, barrier, piece * 64, at.head,
              token, at.image);
    if (T::kRest > 0)
      loadBox(to + T::kWhole * pieceBytes, maps.rest, barrier, T::kWhole * 64,
              at.head, token, at.image);
  }

  // `statistics`, of the head's first token, come along where they exist.
  __device__ __forceinline__ void
  stream(const QueryStatistics* statistics) const {
    for (int group = 0; group < at.groups; ++group) {
      const u32 barrier = at.fullRows(group);
      expectBytes(barrier, 2 * 64 * 2 * T::kWidth);
      for (int i = 0; i < 2; ++i)
        load(at.rowsOf(group, i), T::kRowPieceBytes, mapRows.operand[i],
             barrier, (at.tile * T::kGroups + group) * 64);
    }
    Turn<T::kStages> turn(1); // the first round finds the ring empty
    for (int block = 0; block < at.blocks; ++block, turn.next()) {
      const u32 barrier = at.full(turn.slot);
      awaitPhase(at.empty(turn.slot), turn.phase);
      expectBytes(barrier, 2 * T::kTokens * 2 * T::kWidth +
                               (statistics ? T::kStatisticsBytes : 0));
      for (int i = 0; i < 2; ++i)
        load(at.streamedOf(turn.slot, i), T::kPieceBytes,
             mapStreamed.operand[i], barrier, block * T::kTokens);
      if (statistics)
        loadBytes(at.statisticsOf(turn.slot),
                  statistics + block * T::kTokens, T::kStatisticsBytes,
                  barrier);
    }
  }
};
