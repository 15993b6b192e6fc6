// SPDX-License-Identifier: Apache-2.0
// What the gradient of attention's queries leaves to that of its keys, for each
// query: L = log2 sum_j 2^(c q k_j), c = scale log2(e), so that the weights are
// 2^(c q k_j - L); and D = dy y. They lie [image][head][query], a head's
// queries padded by some of no weight to whole blocks of whatever reads them.
#pragma once

#include "common/views.cuh"

struct alignas(8) QueryStatistics {
  float logarithm; // L
  float inner;     // D
};

constexpr int kStatisticsPadding = 384;

__device__ __forceinline__ float infinity() {
  return __uint_as_float(0x7f800000u);
}
__device__ __forceinline__ QueryStatistics noQuery() {
  return {infinity(), 0.f};
}
__device__ __forceinline__ int paddedQueries(int queries) {
  return (queries + kStatisticsPadding - 1) / kStatisticsPadding *
         kStatisticsPadding;
}
// Of the first query of a head, counted over all images.
__device__ __forceinline__ QueryStatistics*
statisticsOf(const View& view, i64 head, int queries) {
  return static_cast<QueryStatistics*>(view.data) +
         head * paddedQueries(queries);
}
