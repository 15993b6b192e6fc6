// SPDX-License-Identifier: Apache-2.0
// Attention on Hopper: O = softmax(scale Q K^T) V, 16-bit elements, float32
// softmax.
//
// Q, K, V and O are seen through maps over (column, head, token, image), so
// heads inside wider rows are read in place. A box is 64 columns wide whatever
// a head's width is, its rows 128 bytes with the 128-byte swizzle: what lies
// past a head or past the last token arrives as zeros and is not written.
//
// A block computes 64 queries of one head for each of its consumer warpgroups;
// a last warp loads keys and values into two rings. With S_j = Q K_j^T and
//   m_j = max(m_{j-1}, rows of S_j),  P_j = 2^(c (S_j - m_j)),  c = scale log2
//   e O = O 2^(c (m_{j-1} - m_j)) + P_j V_j,  and the same for the sum of P_j,
// the products S_j and P_{j-1} V_{j-1} are sent off together and the softmax
// of block j runs under the latter. P goes from accumulators to operand
// registers without a shuffle. Blocks run from the last to the first, so that
// only the first one masks the tail.
//
// Heads above 256 columns: the accumulators of a row do not fit, so a block
// computes one of kSlices slices of the output's columns, and the scores are
// computed once for each slice.
//
// Shared memory: kSharedBytes; registers: see kConsumerRegisters.
#pragma once

#include "attention/hopper.cuh"

// c += a b for 64 rows, printed by the plan for the sizes in use. Scores: both
// operands in shared memory, across, kN keys. Outputs: a in registers, b along,
// kN columns.
template <int kN>
struct ScoreProduct;
template <int kN>
struct OutputProduct;

struct Problem {
  int heads;
  int tiles; // blocks of queries of one head
  int queries;
  int keys;
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

  static constexpr int kPieces = (kWidth + 63) / 64; // boxes of a row
  static constexpr int kValuePieces = (kOutputs + 63) / 64;
  static constexpr int kSteps = (kWidth + 15) / 16;
  static constexpr int kPieceBytes = 64 * 128; // of queries
  static constexpr int kKeyPieceBytes = kKeys * 128;
  static constexpr int kQueryBytes = kGroups * kPieces * kPieceBytes;
  static constexpr int kKeyBytes = kPieces * kKeyPieceBytes;
  static constexpr int kValueBytes = kValuePieces * kKeyPieceBytes;
  static constexpr int kSharedBytes = 1024 + kQueryBytes +
                                      kStages * (kKeyBytes + kValueBytes) + 8 +
                                      32 * kStages;

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
  u32 fullQ, fullK, fullV, emptyK, emptyV;
  int tile, slice, head, image;
  int blocks; // of keys that some query of the tile sees

  __device__ __forceinline__ explicit Place(const Problem& problem) {
    extern __shared__ unsigned char dynamicShared[];
    queries = (sharedAddress(dynamicShared) + 1023) & ~1023u;
    keys = queries + T::kQueryBytes;
    values = keys + T::kStages * T::kKeyBytes;
    fullQ = values + T::kStages * T::kValueBytes;
    fullK = fullQ + 8;
    fullV = fullK + 8 * T::kStages;
    emptyK = fullV + 8 * T::kStages;
    emptyV = emptyK + 8 * T::kStages;

    int rest = blockIdx.x;
    tile = rest % problem.tiles;
    rest /= problem.tiles;
    slice = rest % T::kSlices;
    rest /= T::kSlices;
    head = rest % problem.heads;
    image = rest / problem.heads;

    const int end = (tile + 1) * T::kGroups * 64;
    const int seen = T::kCausal && end < problem.keys ? end : problem.keys;
    blocks = (seen + T::kKeys - 1) / T::kKeys;
  }

  __device__ __forceinline__ void initBarriers() const {
    initBarrier(fullQ, 1);
    for (int i = 0; i < T::kStages; ++i) {
      initBarrier(fullK + 8 * i, 1);
      initBarrier(fullV + 8 * i, 1);
      initBarrier(emptyK + 8 * i, T::kGroups * 4);
      initBarrier(emptyV + 8 * i, T::kGroups * 4);
    }
    publishBarriers();
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

// One thread loads everything.
template <class T>
__device__ __forceinline__ void
produce(const Place<T>& at, const TensorMap& mapQ, const TensorMap& mapK,
        const TensorMap& mapV) {
  expectBytes(at.fullQ, T::kQueryBytes);
  for (int group = 0; group < T::kGroups; ++group)
    for (int piece = 0; piece < T::kPieces; ++piece)
      loadBox(at.queries + (group * T::kPieces + piece) * T::kPieceBytes, mapQ,
              at.fullQ, piece * 64, at.head,
              (at.tile * T::kGroups + group) * 64, at.image);

  const auto load = [&](u32 to, const TensorMap& map, u32 barrier, int pieces,
                        int column, int block) {
    expectBytes(barrier, pieces * T::kKeyPieceBytes);
    for (int piece = 0; piece < pieces; ++piece)
      loadBox(to + piece * T::kKeyPieceBytes, map, barrier, column + piece * 64,
              at.head, block * T::kKeys, at.image);
  };
  Turn<T::kStages> turn(1); // the first round finds the rings empty
  for (int block = at.blocks - 1; block >= 0; --block, turn.next()) {
    awaitPhase(at.emptyK + 8 * turn.slot, turn.phase);
    load(at.keys + turn.slot * T::kKeyBytes, mapK, at.fullK + 8 * turn.slot,
         T::kPieces, 0, block);
    awaitPhase(at.emptyV + 8 * turn.slot, turn.phase);
    load(at.values + turn.slot * T::kValueBytes, mapV, at.fullV + 8 * turn.slot,
         T::kValuePieces, at.slice * T::kOutputs, block);
  }
}

// A warpgroup's 64 queries. Element i of a lane's accumulators is in column
// i / 4 * 8 + lane % 4 * 2 + i % 2 of row `row`, or of row + 8 if i % 4 >= 2;
// the pairs of floats below belong to these two rows.
template <class T>
struct Consumer {
  // What a masked score is: far below any other. A power of two, so that c
  // times it is exact: a row that has seen only masked keys has weights of
  // 2^0, which fade to nothing with the first score that counts.
  static constexpr float kMasked = -0x1p100f;

  const Problem& problem;
  const Place<T>& at;
  int group, lane, row;
  int token; // of the first query
  u64 operandQ, operandK, operandV;
  float out[T::kOutputs / 2], score[T::kKeys / 2];
  u32 weight[T::kKeys / 16][4];
  float max0, max1, sum0, sum1, fade0, fade1;

  __device__ __forceinline__ Consumer(const Problem& problem,
                                      const Place<T>& at, int group)
      : problem(problem), at(at), group(group) {
    lane = threadIdx.x % 32;
    row = threadIdx.x % 128 / 32 * 16 + lane / 4;
    token = (at.tile * T::kGroups + group) * 64;
    operandQ = operandAcross(queries());
    operandK = operandAcross(at.keys);
    operandV = operandAlong(at.values, T::kKeyPieceBytes);
#pragma unroll
    for (int i = 0; i < T::kOutputs / 2; ++i)
      out[i] = 0;
    max0 = max1 = kMasked;
    sum0 = sum1 = 0;
  }

  __device__ __forceinline__ u32 queries() const {
    return at.queries + group * T::kPieces * T::kPieceBytes;
  }

  __device__ __forceinline__ void release(u32 barrier) const {
    if (lane == 0)
      arrive(barrier);
  }

  __device__ __forceinline__ void sendScores(u32 slot) {
    const u64 keys = operandK + slot * (T::kKeyBytes / 16);
#pragma unroll
    for (int i = 0; i < T::kSteps; ++i)
      ScoreProduct<T::kKeys>::add(
          score, operandQ + (i / 4 * (T::kPieceBytes / 16) + i % 4 * 2),
          keys + (i / 4 * (T::kKeyPieceBytes / 16) + i % 4 * 2), i != 0);
    commitProducts();
  }
  __device__ __forceinline__ void sendOutputs(u32 slot) {
    const u64 values = operandV + slot * (T::kValueBytes / 16);
#pragma unroll
    for (int i = 0; i < T::kKeys / 16; ++i)
      OutputProduct<T::kOutputs>::add(out, weight[i], values + i * 128, 1);
    commitProducts();
  }

  // Hides keys past the last one, or those after the query.
  __device__ __forceinline__ void maskBlock(int block) {
    const int first = block * T::kKeys;
    if (T::kCausal ? first + T::kKeys - 1 <= token
                   : first + T::kKeys <= problem.keys)
      return;
    const int seen0 =
        T::kCausal ? token + row + 1 - first : problem.keys - first;
    const int seen1 = T::kCausal ? seen0 + 8 : seen0;
#pragma unroll
    for (int i = 0; i < T::kKeys / 2; ++i)
      if (i / 4 * 8 + lane % 4 * 2 + i % 2 >= (i % 4 < 2 ? seen0 : seen1))
        score[i] = kMasked;
  }

  // Scores become weights; `fade` rescales what was summed before.
  __device__ __forceinline__ void softmax() {
    const float c = problem.scaleLog2;
    float a0 = score[0], a1 = score[2], b0 = score[1], b1 = score[3];
#pragma unroll
    for (int i = 1; i < T::kKeys / 8; ++i) {
      a0 = fmaxf(a0, score[4 * i]);
      b0 = fmaxf(b0, score[4 * i + 1]);
      a1 = fmaxf(a1, score[4 * i + 2]);
      b1 = fmaxf(b1, score[4 * i + 3]);
    }
    const float next0 = fmaxf(max0, quadMax(fmaxf(a0, b0)));
    const float next1 = fmaxf(max1, quadMax(fmaxf(a1, b1)));
    const float shift0 = -next0 * c, shift1 = -next1 * c;
    fade0 = exp2Fast(fmaf(max0, c, shift0));
    fade1 = exp2Fast(fmaf(max1, c, shift1));
    max0 = next0;
    max1 = next1;
    float s0 = 0, s1 = 0, t0 = 0, t1 = 0;
#pragma unroll
    for (int i = 0; i < T::kKeys / 8; ++i) {
#pragma unroll
      for (int j = 0; j < 4; ++j)
        score[4 * i + j] =
            exp2Fast(fmaf(score[4 * i + j], c, j < 2 ? shift0 : shift1));
      s0 += score[4 * i];
      t0 += score[4 * i + 1];
      s1 += score[4 * i + 2];
      t1 += score[4 * i + 3];
    }
    sum0 = fmaf(sum0, fade0, s0 + t0);
    sum1 = fmaf(sum1, fade1, s1 + t1);
  }

  __device__ __forceinline__ void packWeights() {
#pragma unroll
    for (int i = 0; i < T::kKeys / 16; ++i)
#pragma unroll
      for (int j = 0; j < 4; ++j)
        weight[i][j] =
            pack<T::kHalf>(score[8 * i + 2 * j], score[8 * i + 2 * j + 1]);
  }

  __device__ __forceinline__ void fadeOutputs() {
    if (!__any_sync(~0u, fade0 != 1.f || fade1 != 1.f))
      return;
#pragma unroll
    for (int i = 0; i < T::kOutputs / 2; ++i)
      out[i] *= i % 4 < 2 ? fade0 : fade1;
  }

  __device__ __forceinline__ void run() {
    if (T::kTurns && group == T::kGroups - 1)
      arriveNamed(1, 256);
    Turn<T::kStages> keys(0), values(0);
    awaitPhase(at.fullQ, 0);
    awaitPhase(at.fullK + 8 * keys.slot, keys.phase);
    fenceProducts();
    sendScores(keys.slot);
    awaitProducts<0>();
    pin(score);
    release(at.emptyK + 8 * keys.slot);
    keys.next();
    maskBlock(at.blocks - 1);
    softmax();
    packWeights();
    for (int block = at.blocks - 2; block >= 0; --block) {
      awaitPhase(at.fullK + 8 * keys.slot, keys.phase);
      if (T::kTurns)
        syncNamed(1 + group, 256);
      fenceProducts();
      sendScores(keys.slot);
      awaitPhase(at.fullV + 8 * values.slot, values.phase);
      sendOutputs(values.slot);
      if (T::kTurns)
        arriveNamed(1 + (group + 1) % T::kGroups, 256);
      awaitProducts<1>();
      pin(score);
      release(at.emptyK + 8 * keys.slot);
      keys.next();
      if (T::kCausal)
        maskBlock(block);
      softmax();
      // ptxas would wait for the outputs before the exponentials that are
      // meant to run under them.
      hold(sum0 + sum1, at.fullQ);
      awaitProducts<0>();
      pin(out);
      pin(score);
      release(at.emptyV + 8 * values.slot);
      values.next();
      fadeOutputs();
      packWeights();
    }
    awaitPhase(at.fullV + 8 * values.slot, values.phase);
    fenceProducts();
    sendOutputs(values.slot);
    awaitProducts<0>();
    pin(out);
  }

  // Through this warpgroup's part of the queries, which nothing reads any more.
  __device__ __forceinline__ void writeOut(const TensorMap& mapO) {
    const float factor0 = 1.f / quadSum(sum0), factor1 = 1.f / quadSum(sum1);
#pragma unroll
    for (int i = 0; i < T::kOutputs / 8; ++i) {
      const u32 to = queries() + i / 8 * T::kPieceBytes + row * 128 +
                     ((i % 8 ^ (row & 7)) << 4) + lane % 4 * 4;
      const float* o = out + 4 * i;
      storeShared(to, pack<T::kHalf>(o[0] * factor0, o[1] * factor0));
      storeShared(to + 1024, pack<T::kHalf>(o[2] * factor1, o[3] * factor1));
    }
    publishToCopies();
    syncNamed(8 + group, 128);
    if (threadIdx.x % 128 != 0 || token >= problem.queries)
      return;
    for (int piece = 0; piece < T::kValuePieces; ++piece)
      storeBox(queries() + piece * T::kPieceBytes, mapO,
               at.slice * T::kOutputs + piece * 64, at.head, token, at.image);
    finishStores();
  }
};

template <class T>
__device__ __forceinline__ void
attention(const TensorMap& mapQ, const TensorMap& mapK, const TensorMap& mapV,
          const TensorMap& mapO, const Problem& problem) {
  const Place<T> at(problem);
  // Consumers first, then the producer.
  const int group = __shfl_sync(~0u, threadIdx.x / 128, 0);
  if (threadIdx.x == 0)
    at.initBarriers();
  __syncthreads();
  letNextStart();

  if (group == T::kGroups) {
    if (!T::kLean)
      giveRegisters<T::kProducerRegisters>();
    if (threadIdx.x == T::kConsumers) {
      waitForPrevious();
      produce(at, mapQ, mapK, mapV);
    }
  } else {
    if (!T::kLean)
      takeRegisters<T::kConsumerRegisters>();
    Consumer<T> consumer(problem, at, group);
    consumer.run();
    consumer.writeOut(mapO);
  }
}
