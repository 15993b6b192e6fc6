// SPDX-License-Identifier: Apache-2.0
// The gradients of attention on Hopper, 16-bit elements, float32 softmax. With
// P = softmax(scale Q K^T), Y = P V and D_i = sum_d dY_id Y_id:
//   dV = P^T dY,  dS = P * (dY V^T - D),  dQ = scale dS K,  dK = scale dS^T Q
// Two kernels, so that no sum has two writers and results repeat: seven
// products of queries by keys rather than five, and no atomics.
//
// Both are one scheme. A warpgroup keeps 64 tokens as rows, the others pass in
// a ring of stages that a last warp fills. For a block of these two products
// of rows by columns make scores and dY V^T; from them come weights and dS in
// registers, which are the first operands of the products that are summed:
//   queries stay:  S = Q K^T,  R = dY V^T,  dQ += dS K
//   keys stay:     S = K Q^T,  R = V dY^T,  dV += P^T dY,  dK += dS^T Q
// The first kernel has the weights by an online softmax, so that dQ fades like
// attention's output, and leaves L and D (statistics.cuh) to the second, whose
// weights are 2^(c S - L). The products of the next block are sent off with
// those of this one and run under the softmax of other warpgroups.
//
// What lies past the last token arrives as zeros: a masked score hides such
// keys, L = infinity such queries. Shared memory: kSharedBytes; registers: see
// kConsumerRegisters.
#pragma once

#include "attention/gradient_rows_sm90.cuh"

// Queries stay. Pairs of values belong to rows `row` and row + 8.
template <class T>
struct QueryRows : GradientRows<T> {
  using Rows = GradientRows<T>;
  using typename Rows::Operand;
  using typename Rows::Sums;
  // As in attention_sm90.cuh.
  static constexpr float kMasked = -0x1p100f;
  static constexpr bool kReadsStatistics = false;

  using Rows::product;
  using Rows::score;
  Operand flow; // dS
  Sums sums;
  float maximum[2], sum[2], inner[2], fade[2];

  using Rows::Rows;

  __device__ __forceinline__ void start(const Views<7>& views) {
#pragma unroll
    for (int i = 0; i < T::kWidth / 2; ++i)
      sums[i] = 0;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      maximum[half] = kMasked;
      sum[half] = 0;
      inner[half] = innerProduct(views, this->token + this->row + 8 * half);
    }
  }

  struct alignas(16) Chunk {
    u32 words[4];
  };
  // D of a query; four lanes have a row.
  __device__ __forceinline__ float innerProduct(const Views<7>& views,
                                                int query) const {
    float total = 0;
    if (query < this->problem.rows) {
      const auto chunks = [&](const View& view) {
        return reinterpret_cast<const Chunk*>(
            static_cast<const u16*>(view.data) +
            (static_cast<i64>(this->at.image) * this->problem.rows + query) *
                view.pitch +
            this->at.head * T::kWidth);
      };
      const Chunk *y = chunks(views.view[3]), *dy = chunks(views.view[4]);
#pragma unroll
      for (int i = 0; i < (T::kWidth / 8 + 3) / 4; ++i) {
        const int at = i * 4 + this->lane % 4;
        if (at >= T::kWidth / 8)
          break;
        const Chunk a = y[at], b = dy[at];
#pragma unroll
        for (int j = 0; j < 4; ++j)
          total = fmaf(high<T::kHalf>(a.words[j]), high<T::kHalf>(b.words[j]),
                       fmaf(low<T::kHalf>(a.words[j]),
                            low<T::kHalf>(b.words[j]), total));
      }
    }
    return quadSum(total);
  }

  __device__ __forceinline__ void maskTail(int block) {
    const int left = this->problem.streamed - block * T::kTokens;
    if (left >= T::kTokens)
      return;
#pragma unroll
    for (int i = 0; i < T::kTokens / 2; ++i)
      if (i / 4 * 8 + this->lane % 4 * 2 + i % 2 >= left)
        score[i] = kMasked;
  }

  // Scores become weights relative to the greatest score so far.
  __device__ __forceinline__ void softmax() {
    const float c = this->problem.scaleLog2;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      float a = score[2 * half], b = score[2 * half + 1];
#pragma unroll
      for (int i = 1; i < T::kTokens / 8; ++i) {
        a = fmaxf(a, score[4 * i + 2 * half]);
        b = fmaxf(b, score[4 * i + 2 * half + 1]);
      }
      const float next = fmaxf(maximum[half], quadMax(fmaxf(a, b)));
      const float shift = -next * c;
      fade[half] = exp2Fast(fmaf(maximum[half], c, shift));
      maximum[half] = next;
      a = b = 0;
#pragma unroll
      for (int i = 0; i < T::kTokens / 8; ++i) {
        float* s = score + 4 * i + 2 * half;
        s[0] = exp2Fast(fmaf(s[0], c, shift));
        s[1] = exp2Fast(fmaf(s[1], c, shift));
        a += s[0];
        b += s[1];
      }
      sum[half] = fmaf(sum[half], fade[half], a + b);
    }
  }

  __device__ __forceinline__ void fadeSums() {
    if (!__any_sync(~0u, fade[0] != 1.f || fade[1] != 1.f))
      return;
#pragma unroll
    for (int i = 0; i < T::kWidth / 2; ++i)
      sums[i] *= fade[i % 4 / 2];
  }

  // From the products of a block to dS.
  __device__ __forceinline__ void findFlow(int block) {
    maskTail(block);
    softmax();
    // ptxas would wait for the second product before the exponentials that are
    // meant to run under it.
    hold(__float_as_uint(sum[0] + sum[1]), this->at.full(0));
    awaitProducts<0>();
    pin(product);
    fadeSums();
#pragma unroll
    for (int i = 0; i < T::kTokens / 2; ++i)
      product[i] = score[i] * (product[i] - inner[i % 4 / 2]);
    packOperand<T>(flow, product);
  }

  __device__ __forceinline__ void stream() {
    Turn<T::kStages> keys(0);
    awaitPhase(this->at.full(0), 0);
    fenceProducts();
    this->sendProducts(0);
    awaitProducts<1>();
    pin(score);
    findFlow(0);
    for (int block = 1; block < this->at.blocks; ++block) {
      const u32 last = keys.slot;
      keys.next();
      awaitPhase(this->at.full(keys.slot), keys.phase);
      fenceProducts();
      this->template add<0>(sums, flow, last);
      this->sendProducts(keys.slot);
      awaitProducts<1>();
      pin(score);
      pin(sums);
      this->release(last);
      findFlow(block);
    }
    fenceProducts();
    this->template add<0>(sums, flow, keys.slot);
    awaitProducts<0>();
    pin(sums);
  }

  // The last warpgroup that has queries adds those that pad.
  __device__ __forceinline__ void writeStatistics(const View& view) const {
    const int queries = this->problem.rows;
    QueryStatistics* to =
        statisticsOf(
            view,
            static_cast<i64>(this->at.image) * this->problem.heads +
                this->at.head,
            queries) +
        this->token;
    const int left = queries - this->token;
    if (this->lane % 4 == 0)
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const int at = this->row + 8 * half;
        to[at] = at < left ? QueryStatistics{fmaf(maximum[half],
                                                  this->problem.scaleLog2,
                                                  log2f(sum[half])),
                                             inner[half]}
                           : noQuery();
      }
    if (left <= 64)
      for (int pad = 64 + threadIdx.x % 128;
           this->token + pad < paddedQueries(queries); pad += 128)
        to[pad] = noQuery();
  }

  __device__ __forceinline__ void run(const Views<7>& views, const Maps& mapDQ,
                                      const Maps&) {
    waitForPrevious();
    start(views);
    this->awaitRows();
    stream();
#pragma unroll
    for (int half = 0; half < 2; ++half)
      sum[half] = quadSum(sum[half]);
    writeStatistics(views.view[6]);
    this->template writeOut<0>(sums, this->problem.scale / sum[0],
                               this->problem.scale / sum[1], mapDQ);
  }
};

// Keys stay.
template <class T>
struct KeyRows : GradientRows<T> {
  using Rows = GradientRows<T>;
  using typename Rows::Operand;
  using typename Rows::Sums;

  static constexpr bool kReadsStatistics = true;
  using Rows::product;
  using Rows::score;
  Operand weight, flow; // P^T, dS^T
  Sums keySums, valueSums;

  using Rows::Rows;

  // Of two neighbouring queries.
  struct Statistics {
    float logarithm[2], inner[2];
  };
  __device__ __forceinline__ Statistics statistics(u32 stage, int i) const {
    float both[4];
    loadShared(this->at.statisticsOf(stage) +
                   (8 * i + this->lane % 4 * 2) *
                       static_cast<u32>(sizeof(QueryStatistics)),
               both);
    return {{both[0], both[2]}, {both[1], both[3]}};
  }

  __device__ __forceinline__ void findWeights(u32 stage) {
    const float c = this->problem.scaleLog2;
#pragma unroll
    for (int i = 0; i < T::kTokens / 8; ++i) {
      const Statistics s = statistics(stage, i);
#pragma unroll
      for (int j = 0; j < 4; ++j)
        score[4 * i + j] =
            exp2Fast(fmaf(score[4 * i + j], c, -s.logarithm[j % 2]));
    }
    packOperand<T>(weight, score);
  }
  __device__ __forceinline__ void findFlow(u32 stage) {
#pragma unroll
    for (int i = 0; i < T::kTokens / 8; ++i) {
      const Statistics s = statistics(stage, i);
#pragma unroll
      for (int j = 0; j < 4; ++j)
        product[4 * i + j] =
            score[4 * i + j] * (product[4 * i + j] - s.inner[j % 2]);
    }
    packOperand<T>(flow, product);
  }

  // From scores to the sums of dV and to dS; leaves one product under way.
  __device__ __forceinline__ void addValues(u32 stage) {
    findWeights(stage);
    fenceProducts();
    this->template add<1>(valueSums, weight, stage);
    awaitProducts<1>();
    pin(product);
    findFlow(stage);
  }

  __device__ __forceinline__ void stream() {
#pragma unroll
    for (int i = 0; i < T::kWidth / 2; ++i)
      keySums[i] = valueSums[i] = 0;
    Turn<T::kStages> queries(0);
    awaitPhase(this->at.full(0), 0);
    fenceProducts();
    this->sendProducts(0);
    awaitProducts<1>();
    pin(score);
    addValues(0);
    for (int block = 1; block < this->at.blocks; ++block) {
      const u32 last = queries.slot;
      queries.next();
      awaitPhase(this->at.full(queries.slot), queries.phase);
      fenceProducts();
      this->template add<0>(keySums, flow, last);
      awaitProducts<1>(); // dV, so that its operand needs no registers
      this->sendProducts(queries.slot);
      awaitProducts<1>();
      pin(score);
      pin(keySums);
      pin(valueSums);
      this->release(last);
      addValues(queries.slot);
    }
    fenceProducts();
    this->template add<0>(keySums, flow, queries.slot);
    awaitProducts<0>();
    pin(keySums);
    pin(valueSums);
  }

  __device__ __forceinline__ void run(const Views<7>&, const Maps& mapDK,
                                      const Maps& mapDV) {
    this->awaitRows();
    stream();
    this->template writeOut<0>(keySums, this->problem.scale,
                               this->problem.scale, mapDK);
    this->template writeOut<1>(valueSums, 1.f, 1.f, mapDV);
  }
};

// `Rows` is QueryRows: views q, k, v, y, dy, dq, statistics; q and dy stay, k
// and v pass, dq is written. Or KeyRows: views q, k, v, dy, dk, dv, statistics;
// k and v stay, q and dy pass, dk and dv are written.
template <class T, template <class> class Rows>
__device__ __forceinline__ void
attentionGradient(const Views<7>& views, const MapPair& mapRows,
                  const MapPair& mapStreamed, const Maps& first,
                  const Maps& second, const GradientProblem& problem) {
  const GradientPlace<T> at(problem);
  // Consumers first, then the producer.
  const int group = __shfl_sync(~0u, threadIdx.x / 128, 0);
  if (threadIdx.x == 0)
    at.initBarriers();
  if constexpr (T::kWidth % 16 != 0)
    at.fillPads();
  __syncthreads();
  letNextStart();

  if (group == T::kGroups) {
    giveRegisters<T::kProducerRegisters>();
    if (threadIdx.x == T::kConsumers) {
      waitForPrevious();
      const i64 head = static_cast<i64>(at.image) * problem.heads + at.head;
      GradientProducer<T>{at, mapRows, mapStreamed}.stream(
          Rows<T>::kReadsStatistics
              ? statisticsOf(views.view[6], head, problem.streamed)
              : nullptr);
    }
  } else {
    takeRegisters<T::kConsumerRegisters>();
    if (group >= at.groups)
      return;
    Rows<T> rows(problem, at, group);
    rows.run(views, first, second);
    if (threadIdx.x % 128 == 0)
      finishStores();
  }
}
