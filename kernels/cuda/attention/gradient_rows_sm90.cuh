// SPDX-License-Identifier: Apache-2.0
// What both kernels of gradient_sm90.cuh do with a warpgroup's 64 rows: the
// products with tokens that pass, the sums, and the way out.
#pragma once

#include "attention/gradient_tile_sm90.cuh"

// c += a b for 64 rows, printed by the plan for the sizes in use. Scores and
// held scores: a in shared memory, across, or in registers; b across, kN
// tokens. Outputs: a in registers, b along, kN columns.
template <int kN>
struct ScoreProduct;
template <int kN>
struct HeldScoreProduct;
template <int kN>
struct OutputProduct;

// A warpgroup's 64 rows. Element i of a lane's accumulators is in column
// i / 4 * 8 + lane % 4 * 2 + i % 2 of row `row`, or of row + 8 if i % 4 >= 2.
template <class T>
struct GradientRows {
  using Products = float[T::kTokens / 2];
  using Operand = u32[T::kTokens / 16][4];
  using Sums = float[T::kWidth / 2];

  const GradientProblem& problem;
  const GradientPlace<T>& at;
  int group, lane, row;
  int token; // of the first row
  u32 held[2][T::kHeld ? T::kSteps : 1][4];
  Products score, product; // S and R

  __device__ __forceinline__ GradientRows(const GradientProblem& problem,
                                          const GradientPlace<T>& at, int group)
      : problem(problem), at(at), group(group) {
    lane = threadIdx.x % 32;
    row = threadIdx.x % 128 / 32 * 16 + lane / 4;
    token = (at.tile * T::kGroups + group) * 64;
  }

  __device__ __forceinline__ u32 addressOf(u32 slot, int row,
                                           int column) const {
    return slot + column / 64 * T::kRowPieceBytes + row * 128 +
           ((column % 64 / 8 ^ (row & 7)) << 4) + column % 8 * 2;
  }

  __device__ __forceinline__ void awaitRows() {
    awaitPhase(at.fullRows(group), 0);
    if constexpr (T::kHeld) {
#pragma unroll
      for (int operand = 0; operand < 2; ++operand)
#pragma unroll
        for (int i = 0; i < T::kSteps; ++i)
#pragma unroll
          for (int j = 0; j < 4; ++j)
            held[operand][i][j] = loadShared(
                addressOf(at.rowsOf(group, operand), row + j % 2 * 8,
                          16 * i + j / 2 * 8 + lane % 4 * 2));
    }
  }

  // Of the rows of an operand with the tokens of a stage.
  template <int kOperand>
  __device__ __forceinline__ void send(Products& to, u32 stage) {
    const u64 a = operandAcross(at.rowsOf(group, kOperand));
    const u64 b = operandAcross(at.streamedOf(stage, kOperand));
#pragma unroll
    for (int i = 0; i < T::kSteps; ++i) {
      const u64 step = b + (i / 4 * (T::kPieceBytes / 16) + i % 4 * 2);
      if constexpr (T::kHeld)
        HeldScoreProduct<T::kTokens>::add(to, held[kOperand][i], step, i != 0);
      else
        ScoreProduct<T::kTokens>::add(
            to, a + (i / 4 * (T::kRowPieceBytes / 16) + i % 4 * 2), step,
            i != 0);
    }
    commitProducts();
  }
  __device__ __forceinline__ void sendProducts(u32 stage) {
    send<0>(score, stage);
    send<1>(product, stage);
  }
  template <int kOperand>
  __device__ __forceinline__ void add(Sums& sums, const Operand& a, u32 stage) {
    const u64 b =
        operandAlong(at.streamedOf(stage, kOperand), T::kPieceBytes);
#pragma unroll
    for (int i = 0; i < T::kTokens / 16; ++i)
      OutputProduct<T::kWidth>::add(sums, a[i], b + i * 128, 1);
    commitProducts();
  }

  __device__ __forceinline__ void release(u32 stage) const {
    if (lane == 0)
      arrive(at.empty(stage));
  }

  // Through the slot of an operand, which nothing reads any more.
  template <int kOperand>
  __device__ __forceinline__ void writeOut(const Sums& sums, float factor0,
                                           float factor1,
                                           const Maps& map) const {
    const u32 slot = at.rowsOf(group, kOperand);
#pragma unroll
    for (int i = 0; i < T::kWidth / 8; ++i) {
      const u32 to = addressOf(slot, row, 8 * i + lane % 4 * 2);
      const float* s = sums + 4 * i;
      storeShared(to, pack<T::kHalf>(s[0] * factor0, s[1] * factor0));
      storeShared(to + 1024, pack<T::kHalf>(s[2] * factor1, s[3] * factor1));
    }
    publishToCopies();
    syncNamed(1 + group, 128);
    if (threadIdx.x % 128 != 0)
      return;
    for (int piece = 0; piece < T::kWhole; ++piece)
      storeBox(slot + piece * T::kRowPieceBytes, map.whole, piece * 64, at.head,
               token, at.image);
    if (T::kRest > 0)
      storeBox(slot + T::kWhole * T::kRowPieceBytes, map.rest, T::kWhole * 64,
               at.head, token, at.image);
    commitStores();
  }
};

// Accumulators, rounded, are a first operand.
template <class T>
__device__ __forceinline__ void
packOperand(u32 (&to)[T::kTokens / 16][4],
            const float (&from)[T::kTokens / 2]) {
#pragma unroll
  for (int i = 0; i < T::kTokens / 4; ++i)
    to[i / 4][i % 4] = pack<T::kHalf>(from[2 * i], from[2 * i + 1]);
}
