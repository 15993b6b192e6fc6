// SPDX-License-Identifier: Apache-2.0
// Instructions of sm_90a that contractions are made of: barriers in shared
// memory, clusters, the copy engine and operands of wgmma.
#pragma once

#include "common/views.cuh"

__device__ __forceinline__ u32 sharedAddress(const void* p) {
  return static_cast<u32>(__cvta_generic_to_shared(p));
}
__device__ __forceinline__ u32 clusterRank() {
  u32 rank;
  asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  return rank;
}
__device__ __forceinline__ void clusterSync() {
  __syncwarp();
  asm volatile("barrier.cluster.arrive.release.aligned;\n"
               "barrier.cluster.wait.acquire.aligned;" ::
                   : "memory");
}
// What is at `address` of this CTA, in CTA `rank` of the cluster.
__device__ __forceinline__ u32 peerAddress(u32 address, u32 rank) {
  u32 peer;
  asm volatile("mapa.shared::cluster.u32 %0, %1, %2;"
               : "=r"(peer)
               : "r"(address), "r"(rank));
  return peer;
}

__device__ __forceinline__ void barrierInit(u32 barrier, u32 count) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier),
               "r"(count)
               : "memory");
}
__device__ __forceinline__ void barrierExpect(u32 barrier, u32 bytes) {
  asm volatile(
      "mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier),
      "r"(bytes)
      : "memory");
}
__device__ __forceinline__ void barrierArrive(u32 barrier) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(barrier)
               : "memory");
}
// Not .release.cluster, which costs a memory barrier at cluster scope per
// arrival: the reads it would order are wgmma reads that have finished.
__device__ __forceinline__ void barrierArrivePeer(u32 barrier, u32 rank) {
  asm volatile("mbarrier.arrive.shared::cluster.b64 _, [%0];" ::"r"(
                   peerAddress(barrier, rank))
               : "memory");
}
__device__ __forceinline__ void barrierWait(u32 barrier, u32 parity) {
  u32 done = 0, spins = 0;
  while (true) {
    asm volatile("{.reg .pred p;\n"
                 "mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\n"
                 "selp.u32 %0, 1, 0, p;}"
                 : "=r"(done)
                 : "r"(barrier), "r"(parity)
                 : "memory");
    if (done)
      return;
    if (++spins > (1u << 22))
      __trap(); // a lost arrival must end the launch, not hang the device
  }
}

// Boxes of a tensor map into shared memory; `mask` not 0 writes the same
// place of every CTA in it.
#define BURIN_TMA(dims)                                                        \
  "cp.async.bulk.tensor." dims                                                 \
  ".shared::cluster.global.mbarrier::complete_tx::bytes"
__device__ __forceinline__ void loadBox(u32 to, const TensorMap& map,
                                        u32 barrier, int c, int w, int h, int n,
                                        u16 mask) {
  if (mask == 0)
    asm volatile(
        BURIN_TMA("4d") " [%0], [%1, {%3, %4, %5, %6}], [%2];" ::"r"(to),
        "l"(&map), "r"(barrier), "r"(c), "r"(w), "r"(h), "r"(n)
        : "memory");
  else
    asm volatile(
        BURIN_TMA("4d") ".multicast::cluster"
                        " [%0], [%1, {%3, %4, %5, %6}], [%2], %7;" ::"r"(to),
        "l"(&map), "r"(barrier), "r"(c), "r"(w), "r"(h), "r"(n), "h"(mask)
        : "memory");
}
__device__ __forceinline__ void loadBox(u32 to, const TensorMap& map,
                                        u32 barrier, int x, int y, u16 mask) {
  if (mask == 0)
    asm volatile(BURIN_TMA("2d") " [%0], [%1, {%3, %4}], [%2];" ::"r"(to),
                 "l"(&map), "r"(barrier), "r"(x), "r"(y)
                 : "memory");
  else
    asm volatile(BURIN_TMA("2d") ".multicast::cluster"
                                 " [%0], [%1, {%3, %4}], [%2], %5;" ::"r"(to),
                 "l"(&map), "r"(barrier), "r"(x), "r"(y), "h"(mask)
                 : "memory");
}
#undef BURIN_TMA
__device__ __forceinline__ void prefetchMap(const TensorMap& map) {
  asm volatile("prefetch.tensormap [%0];" ::"l"(&map) : "memory");
}

// A K-major operand of wgmma: 128-byte rows, 128-byte swizzle, groups of 8
// rows 1024 bytes apart.
__device__ __forceinline__ u64 matrixOperand(u32 address) {
  return static_cast<u64>((address & 0x3FFFF) >> 4) | (1ull << 16) |
         (64ull << 32) | (1ull << 62);
}
// m64nNk16 with float32 sums: mma(sums, a, b, accumulate). A plan prints the
// one of its N and element type.
template <int N>
struct Wgmma;
