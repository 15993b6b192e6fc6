// SPDX-License-Identifier: Apache-2.0
// What a block of attention_sm90.cuh computes, where its operands lie in shared
// memory, and the thread that loads them.
//
// A row of a head lies in boxes of 64 columns, 128 bytes with the 128-byte
// swizzle, and a last box of the columns that remain. A narrower box keeps the
// pitch of 128 bytes and writes its own columns alone, so that what the block
// puts after them stays: zeros where the scores' products read on, and after
// the values a column of ones, whose product is the sum of the weights.
#pragma once

#include "attention/hopper.cuh"

struct Problem {
  int heads;
  int tiles; // blocks of one head
  int queries;
  int keys;
  int images;
  float scaleLog2; // c, positive
};

template <int kWidth_, int kKeys_, int kGroups_, int kStages_, int kBlocks_,
          bool kTurns_, int kSlices_, bool kCausal_, bool kHalf_>
struct Tile {
  static constexpr int kWidth = kWidth_;
  static constexpr int kKeys = kKeys_;     // of a block of keys
  static constexpr int kGroups = kGroups_; // consumer warpgroups
  static constexpr int kStages = kStages_; // of either ring
  static constexpr int kSlices = kSlices_;
  static constexpr int kOutputs = kWidth / kSlices; // columns of a slice
  // Warpgroups send off their products in turn.
  static constexpr bool kTurns = kTurns_ && kGroups > 1;
  static constexpr bool kCausal = kCausal_;
  static constexpr bool kHalf = kHalf_;
  static_assert(kKeys % 16 == 0 && kOutputs % 8 == 0, "whole products");
  static_assert(kSlices == 1 || kOutputs % 64 == 0, "whole boxes");

  static constexpr int kWhole = kWidth / 64; // boxes of 64 columns
  static constexpr int kRest = kWidth % 64;  // columns of the last box
  static constexpr int kPieces = kWhole + (kRest > 0);
  static constexpr int kValueWhole = kOutputs / 64;
  static constexpr int kValuePieces = kValueWhole + (kRest > 0);
  static constexpr int kSteps = (kWidth + 15) / 16;
  static constexpr bool kOnes = kRest > 0;
  static constexpr int kColumns = kOutputs + (kOnes ? 8 : 0); // of products

  // All keys are one block, which stays while queries come and go.
  static constexpr bool kResident = kStages == 1;
  static constexpr int kSlots = kResident ? 2 : 1; // for queries, of a group

  static constexpr int kPieceBytes = 64 * 128; // of queries
  static constexpr int kSlotBytes = kPieces * kPieceBytes;
  static constexpr int kKeyPieceBytes = kKeys * 128;
  static constexpr int kQueryBytes = kGroups * kSlots * kSlotBytes;
  static constexpr int kKeyBytes = kPieces * kKeyPieceBytes;
  static constexpr int kValueBytes = kValuePieces * kKeyPieceBytes;
  static constexpr int kSharedBytes = 1024 + kQueryBytes +
                                      kStages * (kKeyBytes + kValueBytes) +
                                      8 * (2 * kGroups * kSlots + 4 * kStages);

  // Where several blocks share a multiprocessor the producer is a lone warp
  // and no registers change hands.
  static constexpr bool kLean = kBlocks_ > 1;
  static constexpr int kConsumers = kGroups * 128;
  static constexpr int kThreads = kConsumers + (kLean ? 32 : 128);
  static constexpr int kShare = 65536 / (kThreads * kBlocks_) / 8 * 8;
  static constexpr int kCap = kShare > 248 ? 248 : kShare;
  static constexpr int kProducerRegisters = kCap >= 168 ? 40 : 32;
  static constexpr int kLeft =
      (kCap * (kGroups + 1) - kProducerRegisters) / kGroups / 8 * 8;
  static constexpr int kConsumerRegisters = kLeft > 240 ? 240 : kLeft;
};

// Where things lie in shared memory, and which tile the block computes.
template <class T>
struct Place {
  u32 queries, keys, values; // operands
  u32 fullQ, emptyQ, fullK, fullV, emptyK, emptyV;
  int tile, slice, head, image;
  int groups; // that have queries
  int blocks; // of keys that some query of the tile sees

  // Tiles vary slowest: a head's last one may have fewer queries, and these
  // tiles fill what the others leave of the card.
  __device__ __forceinline__ explicit Place(const Problem& problem) {
    extern __shared__ unsigned char dynamicShared[];
    queries = (sharedAddress(dynamicShared) + 1023) & ~1023u;
    keys = queries + T::kQueryBytes;
    values = keys + T::kStages * T::kKeyBytes;
    fullQ = values + T::kStages * T::kValueBytes;
    emptyQ = fullQ + 8 * T::kGroups * T::kSlots;
    fullK = emptyQ + 8 * T::kGroups * T::kSlots;
    fullV = fullK + 8 * T::kStages;
    emptyK = fullV + 8 * T::kStages;
    emptyV = emptyK + 8 * T::kStages;

    int rest = blockIdx.x;
    slice = rest % T::kSlices;
    rest /= T::kSlices;
    head = rest % problem.heads;
    rest /= problem.heads;
    image = rest % problem.images;
    tile = rest / problem.images;

    const int left = (problem.queries - tile * T::kGroups * 64 + 63) / 64;
    groups = left < T::kGroups ? left : T::kGroups;
    const int end = (tile + 1) * T::kGroups * 64;
    const int seen = T::kCausal && end < problem.keys ? end : problem.keys;
    blocks = (seen + T::kKeys - 1) / T::kKeys;
  }

  __device__ __forceinline__ void initBarriers() const {
    for (int i = 0; i < T::kGroups * T::kSlots; ++i) {
      initBarrier(fullQ + 8 * i, 1);
      initBarrier(emptyQ + 8 * i, 1);
    }
    for (int i = 0; i < T::kStages; ++i) {
      initBarrier(fullK + 8 * i, 1);
      initBarrier(fullV + 8 * i, 1);
      initBarrier(emptyK + 8 * i, groups * 4);
      initBarrier(emptyV + 8 * i, groups * 4);
    }
    publishBarriers();
  }

  // What follows a head's columns: `first` and zeros, in `rows` rows.
  __device__ __forceinline__ void fillChunks(u32 pieces, int rows,
                                             u32 first) const {
    const u32 last = pieces + T::kWhole * rows * 128;
    for (int row = threadIdx.x; row < rows; row += T::kThreads)
      storeChunk(last + row * 128 + ((T::kRest / 8 ^ (row & 7)) << 4), first);
  }
  __device__ __forceinline__ void fillPads() const {
    constexpr u32 kOne = T::kHalf ? 0x3c00 : 0x3f80;
    for (int i = 0; i < T::kStages; ++i)
      fillChunks(values + i * T::kValueBytes, T::kKeys, kOne);
    if constexpr (T::kWidth % 16 != 0) {
      for (int i = 0; i < T::kStages; ++i)
        fillChunks(keys + i * T::kKeyBytes, T::kKeys, 0);
      for (int i = 0; i < T::kGroups * T::kSlots; ++i)
        fillChunks(queries + i * T::kSlotBytes, 64, 0);
    }
    publishToCopies();
  }
};

// A position in a ring.
template <int kStages>
struct Turn {
  u32 slot = 0;
  u32 phase;
  __device__ __forceinline__ explicit Turn(u32 phase) : phase(phase) {}
  __device__ __forceinline__ void next() {
    if (++slot == kStages) {
      slot = 0;
      phase ^= 1;
    }
  }
};

// Maps of one tensor: boxes of 64 columns, and the narrower last one.
struct Maps {
  const TensorMap& whole;
  const TensorMap& rest;
};

// One thread loads everything.
template <class T>
struct Producer {
  const Place<T>& at;
  const Maps& mapQ;
  const Maps& mapK;
  const Maps& mapV;

  // Rows of the block's head, `pieceBytes` a box.
  template <int kWhole>
  __device__ __forceinline__ void load(u32 to, u32 pieceBytes, const Maps& maps,
                                       u32 barrier, int column,
                                       int token) const {
    expectBytes(barrier, pieceBytes / 64 * (kWhole * 64 + T::kRest));
    for (int piece = 0; piece < kWhole; ++piece)
      loadBox(to + piece * pieceBytes, maps.whole, barrier, column + piece * 64,
              at.head, token, at.image);
    if (T::kRest > 0)
      loadBox(to + kWhole * pieceBytes, maps.rest, barrier,
              column + kWhole * 64, at.head, token, at.image);
  }
  __device__ __forceinline__ void loadQueries(int slot, int token) const {
    load<T::kWhole>(at.queries + slot * T::kSlotBytes, T::kPieceBytes, mapQ,
                    at.fullQ + 8 * slot, 0, token);
  }
  __device__ __forceinline__ void loadKeys(int slot, int token) const {
    load<T::kWhole>(at.keys + slot * T::kKeyBytes, T::kKeyPieceBytes, mapK,
                    at.fullK + 8 * slot, 0, token);
  }
  __device__ __forceinline__ void loadValues(int slot, int token) const {
    load<T::kValueWhole>(at.values + slot * T::kValueBytes, T::kKeyPieceBytes,
                         mapV, at.fullV + 8 * slot, at.slice * T::kOutputs,
                         token);
  }

  // Keys come while the queries stay.
  __device__ __forceinline__ void streamKeys() const {
    for (int group = 0; group < at.groups; ++group)
      loadQueries(group, (at.tile * T::kGroups + group) * 64);
    Turn<T::kStages> turn(1); // the first round finds the rings empty
    for (int block = at.blocks - 1; block >= 0; --block, turn.next()) {
      awaitPhase(at.emptyK + 8 * turn.slot, turn.phase);
      loadKeys(turn.slot, block * T::kKeys);
      awaitPhase(at.emptyV + 8 * turn.slot, turn.phase);
      loadValues(turn.slot, block * T::kKeys);
    }
  }

  // Queries come while the keys stay.
  __device__ __forceinline__ void streamQueries(const Problem& problem) const {
    loadKeys(0, 0);
    loadValues(0, 0);
    Turn<T::kSlots> turn(1);
    for (int first = at.tile; first * T::kGroups * 64 < problem.queries;
         first += problem.tiles, turn.next())
      for (int group = 0; group < T::kGroups; ++group) {
        const int token = (first * T::kGroups + group) * 64;
        if (token >= problem.queries)
          break;
        const int slot = group * T::kSlots + turn.slot;
        awaitPhase(at.emptyQ + 8 * slot, turn.phase);
        loadQueries(slot, token);
      }
  }
};
