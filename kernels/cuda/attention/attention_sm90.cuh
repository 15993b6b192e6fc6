// SPDX-License-Identifier: Apache-2.0
// Attention on Hopper: O = softmax(scale Q K^T) V, 16-bit elements, float32
// softmax.
//
// Q, K, V and O are seen through maps over (column, head, token, image), so
// heads inside wider rows are read in place: what lies past the last token
// arrives as zeros and is not written. tile_sm90.cuh has the layout.
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
// Where one block holds all keys, as of a text, these stay instead and a
// warpgroup takes 64 queries after 64, the next ones arriving under its work.
//
// Heads above 256 columns: the accumulators of a row do not fit, so a block
// computes one of kSlices slices of the output's columns, and the scores are
// computed once for each slice.
//
// Shared memory: kSharedBytes; registers: see kConsumerRegisters.
#pragma once

#include "attention/tile_sm90.cuh"

// c += a b for 64 rows, printed by the plan for the sizes in use. Scores: both
// operands in shared memory, across, kN keys. Outputs: a in registers, b along,
// kN columns.
template <int kN>
struct ScoreProduct;
template <int kN>
struct OutputProduct;

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
  float out[T::kColumns / 2], score[T::kKeys / 2];
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
    start();
  }

  __device__ __forceinline__ void start() {
#pragma unroll
    for (int i = 0; i < T::kColumns / 2; ++i)
      out[i] = 0;
    max0 = max1 = kMasked;
    sum0 = sum1 = 0;
  }

  __device__ __forceinline__ u32 queries() const {
    return at.queries + group * T::kSlots * T::kSlotBytes;
  }

  __device__ __forceinline__ void release(u32 barrier) const {
    if (lane == 0)
      arrive(barrier);
  }

  // Of the queries in one slot with the keys in another.
  __device__ __forceinline__ void sendScores(u32 slotQ, u32 slotK) {
    const u64 queries = operandQ + slotQ * (T::kSlotBytes / 16);
    const u64 keys = operandK + slotK * (T::kKeyBytes / 16);
#pragma unroll
    for (int i = 0; i < T::kSteps; ++i)
      ScoreProduct<T::kKeys>::add(
          score, queries + (i / 4 * (T::kPieceBytes / 16) + i % 4 * 2),
          keys + (i / 4 * (T::kKeyPieceBytes / 16) + i % 4 * 2), i != 0);
    commitProducts();
  }
  __device__ __forceinline__ void sendOutputs(u32 slot) {
    const u64 values = operandV + slot * (T::kValueBytes / 16);
#pragma unroll
    for (int i = 0; i < T::kKeys / 16; ++i)
      OutputProduct<T::kColumns>::add(out, weight[i], values + i * 128, 1);
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
      if (T::kOnes)
        continue;
      s0 += score[4 * i];
      t0 += score[4 * i + 1];
      s1 += score[4 * i + 2];
      t1 += score[4 * i + 3];
    }
    sum0 = fmaf(sum0, fade0, s0 + t0);
    sum1 = fmaf(sum1, fade1, s1 + t1);
  }

  // Bits that every exponential, or every sum of them, has a part in; without a
  // sign.
  __device__ __forceinline__ u32 traceOfWeights() const {
    if (!T::kOnes)
      return __float_as_uint(sum0 + sum1);
    u32 bits = 0;
#pragma unroll
    for (int i = 7; i < T::kKeys / 2; i += 8)
      bits |= __float_as_uint(score[i]);
    return bits;
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
    for (int i = 0; i < T::kColumns / 2; ++i)
      out[i] *= i % 4 < 2 ? fade0 : fade1;
  }

  // Before and after products are sent off, where warpgroups take turns.
  __device__ __forceinline__ void takeTurn() const {
    if (T::kTurns && at.groups > 1)
      syncNamed(1 + group, 256);
  }
  __device__ __forceinline__ void passTurn() const {
    if (T::kTurns && at.groups > 1)
      arriveNamed(1 + (group + 1 == at.groups ? 0 : group + 1), 256);
  }

  // The scores of the first block that comes, and their weights.
  __device__ __forceinline__ void weighFirst(u32 slotQ, u32 slotK, int block) {
    fenceProducts();
    sendScores(slotQ, slotK);
    awaitProducts<0>();
    pin(score);
    release(at.emptyK + 8 * slotK);
    maskBlock(block);
    softmax();
    packWeights();
  }
  // The outputs of the last weights.
  __device__ __forceinline__ void addLast(u32 slotV) {
    fenceProducts();
    sendOutputs(slotV);
    awaitProducts<0>();
    pin(out);
  }

  // All keys for one tile of queries.
  __device__ __forceinline__ void streamKeys(const Maps& mapO) {
    if (group + 1 == at.groups)
      passTurn();
    Turn<T::kStages> keys(0), values(0);
    awaitPhase(at.fullQ + 8 * group, 0);
    awaitPhase(at.fullK + 8 * keys.slot, keys.phase);
    weighFirst(0, keys.slot, at.blocks - 1);
    keys.next();
    for (int block = at.blocks - 2; block >= 0; --block) {
      awaitPhase(at.fullK + 8 * keys.slot, keys.phase);
      takeTurn();
      fenceProducts();
      sendScores(0, keys.slot);
      awaitPhase(at.fullV + 8 * values.slot, values.phase);
      sendOutputs(values.slot);
      passTurn();
      awaitProducts<1>();
      pin(score);
      release(at.emptyK + 8 * keys.slot);
      keys.next();
      if (T::kCausal)
        maskBlock(block);
      softmax();
      // ptxas would wait for the outputs before the exponentials that are
      // meant to run under them.
      hold(traceOfWeights(), at.fullQ);
      awaitProducts<0>();
      pin(out);
      pin(score);
      release(at.emptyV + 8 * values.slot);
      values.next();
      fadeOutputs();
      packWeights();
    }
    awaitPhase(at.fullV + 8 * values.slot, values.phase);
    addLast(values.slot);
    writeOut(queries(), mapO);
  }

  // All tiles of queries that fall to this warpgroup for one block of keys.
  __device__ __forceinline__ void streamQueries(const Maps& mapO) {
    awaitPhase(at.fullK, 0);
    Turn<T::kSlots> turn(0);
    for (; token < problem.queries;
         token += problem.tiles * T::kGroups * 64, turn.next()) {
      const u32 slot = group * T::kSlots + turn.slot;
      awaitPhase(at.fullQ + 8 * slot, turn.phase);
      start();
      weighFirst(turn.slot, 0, 0);
      awaitPhase(at.fullV, 0);
      addLast(0);
      writeOut(queries() + turn.slot * T::kSlotBytes, mapO);
      if (threadIdx.x % 128 == 0) {
        finishReads();
        arrive(at.emptyQ + 8 * slot);
      }
    }
  }

  __device__ __forceinline__ void collectSums() {
    if constexpr (T::kOnes) {
      sum0 = quadFirst(out[T::kOutputs / 2]);
      sum1 = quadFirst(out[T::kOutputs / 2 + 2]);
    } else {
      sum0 = quadSum(sum0);
      sum1 = quadSum(sum1);
    }
  }

  // Through the slot of the queries, which nothing reads any more.
  __device__ __forceinline__ void writeOut(u32 slot, const Maps& mapO) {
    collectSums();
    const float factor0 = 1.f / sum0, factor1 = 1.f / sum1;
#pragma unroll
    for (int i = 0; i < T::kOutputs / 8; ++i) {
      const u32 to = slot + i / 8 * T::kPieceBytes + row * 128 +
                     ((i % 8 ^ (row & 7)) << 4) + lane % 4 * 4;
      const float* o = out + 4 * i;
      storeShared(to, pack<T::kHalf>(o[0] * factor0, o[1] * factor0));
      storeShared(to + 1024, pack<T::kHalf>(o[2] * factor1, o[3] * factor1));
    }
    publishToCopies();
    syncNamed(8 + group, 128);
    if (threadIdx.x % 128 != 0)
      return;
    const int column = at.slice * T::kOutputs;
    for (int piece = 0; piece < T::kValueWhole; ++piece)
      storeBox(slot + piece * T::kPieceBytes, mapO.whole, column + piece * 64,
               at.head, token, at.image);
    if (T::kRest > 0)
      storeBox(slot + T::kValueWhole * T::kPieceBytes, mapO.rest,
               T::kValueWhole * 64, at.head, token, at.image);
    commitStores();
  }
};

template <class T>
__device__ __forceinline__ void attention(const Maps& mapQ, const Maps& mapK,
                                          const Maps& mapV, const Maps& mapO,
                                          const Problem& problem) {
  const Place<T> at(problem);
  // Consumers first, then the producer.
  const int group = __shfl_sync(~0u, threadIdx.x / 128, 0);
  if (threadIdx.x == 0)
    at.initBarriers();
  if constexpr (T::kRest > 0)
    at.fillPads();
  __syncthreads();
  letNextStart();

  if (group == T::kGroups) {
    if (!T::kLean)
      giveRegisters<T::kProducerRegisters>();
    if (threadIdx.x == T::kConsumers) {
      waitForPrevious();
      const Producer<T> producer{at, mapQ, mapK, mapV};
      if constexpr (T::kResident)
        producer.streamQueries(problem);
      else
        producer.streamKeys();
    }
  } else {
    if (!T::kLean)
      takeRegisters<T::kConsumerRegisters>();
    if (group >= at.groups)
      return;
    Consumer<T> consumer(problem, at, group);
    if constexpr (T::kResident)
      consumer.streamQueries(mapO);
    else
      consumer.streamKeys(mapO);
    if (threadIdx.x % 128 == 0)
      finishStores();
  }
}
