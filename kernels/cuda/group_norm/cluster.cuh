// SPDX-License-Identifier: Apache-2.0
// A block and the neighbours whose shared memory it can read. A cluster of one
// block, the only kind before sm_90, is the block itself.
#pragma once

#include "common/views.cuh"

template <int kBlocks>
struct Cluster {
  static __device__ __forceinline__ int rank() {
    return static_cast<int>(blockIdx.x % kBlocks);
  }
  // What the threads of all blocks have written to shared memory before, they
  // all see after. `arrive` and `wait` come in pairs.
  static __device__ __forceinline__ void arrive() {
    if constexpr (kBlocks > 1)
      asm volatile("barrier.cluster.arrive.release;" ::: "memory");
  }
  static __device__ __forceinline__ void wait() {
    if constexpr (kBlocks > 1)
      asm volatile("barrier.cluster.wait.acquire;" ::: "memory");
  }
  static __device__ __forceinline__ void synchronize() {
    if constexpr (kBlocks > 1) {
      arrive();
      wait();
    } else {
      __syncthreads();
    }
  }

  // The number at the place of `local`, in shared memory, of block `rank`.
  static __device__ __forceinline__ float read(const float* local, int rank) {
    if constexpr (kBlocks > 1) {
      float value;
      const u32 here = static_cast<u32>(__cvta_generic_to_shared(local));
      asm volatile("{\n"
                   ".reg .b32 there;\n"
                   "mapa.shared::cluster.u32 there, %1, %2;\n"
                   "ld.shared::cluster.f32 %0, [there];\n"
                   "}"
                   : "=f"(value)
                   : "r"(here), "r"(rank)
                   : "memory");
      return value;
    } else {
      return *local;
    }
  }
  static __device__ __forceinline__ double read(const double* local, int rank) {
    if constexpr (kBlocks > 1) {
      double value;
      const u32 here = static_cast<u32>(__cvta_generic_to_shared(local));
      asm volatile("{\n"
                   ".reg .b32 there;\n"
                   "mapa.shared::cluster.u32 there, %1, %2;\n"
                   "ld.shared::cluster.f64 %0, [there];\n"
                   "}"
                   : "=d"(value)
                   : "r"(here), "r"(rank)
                   : "memory");
      return value;
    } else {
      return *local;
    }
  }
};
