// SPDX-License-Identifier: Apache-2.0
// The gradients of attention without tensor cores: any width up to 1024, any
// alignment, any float type, float32 arithmetic. With P = softmax(scale Q K^T)
// and D_i = sum_d dY_id Y_id:
//   dV = P^T dY,  dS = P * (dY V^T - D),  dQ = scale dS K,  dK = scale dS^T Q
// Two kernels, so that no sum has two writers. In the first a warp has a query:
// it finds the maximum and the sum of its scores, leaves L = log2 of the
// softmax's denominator and D to the second, and computes dQ. In the second a
// warp has a key, and dK and dV. Lanes share the columns, lane l those with
// column % 32 == l. statistics.cuh says how L and D lie.
//
// No shared memory; 3 and 4 times kSlots registers a lane for rows.
#pragma once

#include "attention/elements.cuh"
#include "attention/statistics.cuh"

struct GradientProblem {
  int heads;
  int tiles; // groups of kWarps queries or keys of one head
  int queries;
  int keys;
  int width;
  float scale;
  float scaleLog2; // scale * log2(e)
};

constexpr int kTogether = 4; // rows, for independent sums

// What a warp does, and what a lane has of rows. kSlots >= width / 32.
template <class Element, int kSlots>
struct GradientWarp {
  const Views<7>& views;
  const GradientProblem& problem;
  int token; // of this warp
  i64 head, image;
  int lane;

  __device__ __forceinline__ GradientWarp(const Views<7>& views,
                                          const GradientProblem& problem,
                                          int warps)
      : views(views), problem(problem) {
    int rest = blockIdx.x;
    token = rest % problem.tiles * warps + threadIdx.x / 32;
    rest /= problem.tiles;
    head = rest % problem.heads;
    image = rest / problem.heads;
    lane = threadIdx.x % 32;
  }

  __device__ __forceinline__ bool has(int slot) const {
    return lane + 32 * slot < problem.width;
  }
  __device__ __forceinline__ Element* row(int slice, i64 tokens,
                                          i64 index) const {
    const View& view = views.view[slice];
    return static_cast<Element*>(view.data) +
           (image * tokens + index) * view.pitch + head * problem.width + lane;
  }
  __device__ __forceinline__ QueryStatistics* statistics(int query) const {
    return statisticsOf(views.view[6], image * problem.heads + head,
                        problem.queries) +
           query;
  }

  __device__ __forceinline__ void load(float (&to)[kSlots],
                                       const Element* from) const {
#pragma unroll
    for (int i = 0; i < kSlots; ++i)
      to[i] = has(i) ? from[32 * i].value() : 0.f;
  }
  __device__ __forceinline__ float dot(const float (&a)[kSlots],
                                       const Element* b) const {
    float sum = 0;
#pragma unroll
    for (int i = 0; i < kSlots; ++i)
      if (has(i))
        sum = fmaf(a[i], b[32 * i].value(), sum);
    return warpSum(sum);
  }
  __device__ __forceinline__ void add(float (&to)[kSlots], float factor,
                                      const Element* from) const {
#pragma unroll
    for (int i = 0; i < kSlots; ++i)
      if (has(i))
        to[i] = fmaf(factor, from[32 * i].value(), to[i]);
  }
  __device__ __forceinline__ void store(Element* to,
                                        const float (&from)[kSlots],
                                        float factor) const {
#pragma unroll
    for (int i = 0; i < kSlots; ++i)
      if (has(i))
        to[32 * i] = Element::of(from[i] * factor);
  }
};

// Views: q, k, v, y, dy, dq, statistics. Past the last visible key that one is
// read again with weight 0.
template <class Element, int kSlots, int kWarps, bool kCausal>
__device__ __forceinline__ void
queryGradient(const Views<7>& views, const GradientProblem& problem) {
  letNextStart();
  waitForPrevious();
  const GradientWarp<Element, kSlots> warp(views, problem, kWarps);
  const int query = warp.token, queries = problem.queries, keys = problem.keys;
  if (query >= queries) {
    if (warp.lane == 0 && query < paddedQueries(queries))
      *warp.statistics(query) = noQuery();
    return;
  }
  float q[kSlots], dy[kSlots], dq[kSlots] = {};
  warp.load(q, warp.row(0, queries, query));
  warp.load(dy, warp.row(4, queries, query));
  const float inner = warp.dot(dy, warp.row(3, queries, query));

  const int seen = kCausal ? query + 1 : keys;
  const auto keyAt = [&](int key) { return key < seen ? key : seen - 1; };
  float maximum = -infinity(), sum = 0;
  for (int key = 0; key < seen; key += kTogether) {
    float score[kTogether], next = maximum;
#pragma unroll
    for (int k = 0; k < kTogether; ++k) {
      score[k] =
          warp.dot(q, warp.row(1, keys, keyAt(key + k))) * problem.scaleLog2;
      next = fmaxf(next, score[k]);
    }
    sum *= exp2f(maximum - next);
    maximum = next;
#pragma unroll
    for (int k = 0; k < kTogether; ++k)
      sum += key + k < seen ? exp2f(score[k] - maximum) : 0.f;
  }
  const float logarithm = maximum + log2f(sum);
  if (warp.lane == 0)
    *warp.statistics(query) = {logarithm, inner};

  for (int key = 0; key < seen; key += kTogether) {
    float flow[kTogether];
#pragma unroll
    for (int k = 0; k < kTogether; ++k) {
      const int at = keyAt(key + k);
      const float score =
          warp.dot(q, warp.row(1, keys, at)) * problem.scaleLog2;
      const float product = warp.dot(dy, warp.row(2, keys, at));
      flow[k] = key + k < seen
                    ? exp2f(score - logarithm) * (product - inner)
                    : 0.f;
    }
#pragma unroll
    for (int k = 0; k < kTogether; ++k)
      warp.add(dq, flow[k], warp.row(1, keys, keyAt(key + k)));
  }
  warp.store(warp.row(5, queries, query), dq, problem.scale);
}

// Views: q, k, v, dy, dk, dv, statistics.
template <class Element, int kSlots, int kWarps, bool kCausal>
__device__ __forceinline__ void keyGradient(const Views<7>& views,
                                            const GradientProblem& problem) {
  letNextStart();
  waitForPrevious();
  const GradientWarp<Element, kSlots> warp(views, problem, kWarps);
  const int key = warp.token, queries = problem.queries, keys = problem.keys;
  if (key >= keys)
    return;
  float k[kSlots], v[kSlots], dk[kSlots] = {}, dv[kSlots] = {};
  warp.load(k, warp.row(1, keys, key));
  warp.load(v, warp.row(2, keys, key));

  const auto queryAt = [&](int query) {
    return query < queries ? query : queries - 1;
  };
  for (int query = kCausal ? key : 0; query < queries; query += kTogether) {
    float weight[kTogether], flow[kTogether];
#pragma unroll
    for (int i = 0; i < kTogether; ++i) {
      const int at = queryAt(query + i);
      const QueryStatistics s = *warp.statistics(at);
      const float score =
          warp.dot(k, warp.row(0, queries, at)) * problem.scaleLog2;
      const float product = warp.dot(v, warp.row(3, queries, at));
      weight[i] = query + i < queries ? exp2f(score - s.logarithm) : 0.f;
      flow[i] = weight[i] * (product - s.inner);
    }
#pragma unroll
    for (int i = 0; i < kTogether; ++i) {
      const int at = queryAt(query + i);
      warp.add(dv, weight[i], warp.row(3, queries, at));
      warp.add(dk, flow[i], warp.row(0, queries, at));
    }
  }
  warp.store(warp.row(4, keys, key), dk, problem.scale);
  warp.store(warp.row(5, keys, key), dv, 1.f);
}
