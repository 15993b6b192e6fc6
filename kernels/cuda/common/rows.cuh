// SPDX-License-Identifier: Apache-2.0
// Reductions over the threads that share a row: RowTeam<kLanes>.
//
// kLanes is a power of two. Up to 32 the lanes of a row are neighbours within
// a warp, and a block may hold blockDim.x / kLanes rows; above (64 to 1024) the
// whole block is one team, and blockDim.x == kLanes. Blocks are
// one-dimensional.
//   RowTeam<32> team;              one object a kernel, made by every thread
//   team.lane()                    0 .. kLanes - 1
//   team.row()                     of the block: threadIdx.x / kLanes
//   team.sum(x) prod(x) max(x) min(x)
// take one value a lane and return the result in every lane, equal to the last
// bit; floating max and min let NaN win. x is float, double, int or i64. The
// order of additions depends on kLanes alone. Every thread of the block must
// make the same calls: lanes without data bring the neutral element, rows past
// the last one whatever they like.
#pragma once

#include "common/math.cuh"

struct AddOp {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return a + b;
  }
};
struct MultiplyOp {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return a * b;
  }
};
struct MaximumOp {
  __device__ float operator()(float a, float b) const {
    return arithMaximumf(a, b);
  }
  __device__ double operator()(double a, double b) const {
    return arithMaximumf(a, b);
  }
  template <class T>
  __device__ T operator()(T a, T b) const {
    return a > b ? a : b;
  }
};
struct MinimumOp {
  __device__ float operator()(float a, float b) const {
    return arithMinimumf(a, b);
  }
  __device__ double operator()(double a, double b) const {
    return arithMinimumf(a, b);
  }
  template <class T>
  __device__ T operator()(T a, T b) const {
    return a < b ? a : b;
  }
};

// Over kLanes neighbours of a warp, by butterflies: lanes l and l ^ offset
// combine the same two values, so that all lanes end with the same bits.
template <int kLanes, class T, class Op>
__device__ __forceinline__ T reduceLanes(T x, Op op) {
#pragma unroll
  for (int offset = kLanes / 2; offset > 0; offset /= 2)
    x = op(x, __shfl_xor_sync(0xffffffffu, x, offset));
  return x;
}

template <int kLanes>
struct RowTeam {
  static_assert((kLanes & (kLanes - 1)) == 0 && kLanes >= 1 && kLanes <= 1024,
                "a team has 1, 2, 4, .. 1024 lanes");
  static constexpr int kWarps = kLanes > 32 ? kLanes / 32 : 1;

  __device__ __forceinline__ int lane() const { return threadIdx.x % kLanes; }
  __device__ __forceinline__ int row() const { return threadIdx.x / kLanes; }

  template <class T>
  __device__ __forceinline__ T sum(T x) {
    return reduce(x, AddOp());
  }
  template <class T>
  __device__ __forceinline__ T prod(T x) {
    return reduce(x, MultiplyOp());
  }
  template <class T>
  __device__ __forceinline__ T max(T x) {
    return reduce(x, MaximumOp());
  }
  template <class T>
  __device__ __forceinline__ T min(T x) {
    return reduce(x, MinimumOp());
  }

  template <class T, class Op>
  __device__ __forceinline__ T reduce(T x, Op op) {
    if constexpr (kLanes <= 32) {
      return reduceLanes<kLanes>(x, op);
    } else {
      x = reduceLanes<32>(x, op);
      // Calls take turns with two buffers, so that one barrier each will do:
      // who writes a buffer again has passed the barrier of the call between,
      // which everyone reaches after reading it.
      T* parts = partials<T>() + turn_ * kWarps;
      turn_ ^= 1;
      if (threadIdx.x % 32 == 0)
        parts[threadIdx.x / 32] = x;
      __syncthreads();
      return reduceLanes<kWarps>(parts[threadIdx.x % kWarps], op);
    }
  }

private:
  template <class T>
  static __device__ __forceinline__ T* partials() {
    __shared__ T memory[2 * kWarps];
    return memory;
  }

  int turn_ = 0;
};
