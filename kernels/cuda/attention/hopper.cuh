// SPDX-License-Identifier: Apache-2.0
// The instructions of Hopper that attention is made of: transaction barriers,
// bulk tensor copies, warpgroup products, and what keeps ptxas from undoing
// their order.
#pragma once

#include "common/views.cuh"

__device__ __forceinline__ u32 sharedAddress(const void* pointer) {
  return static_cast<u32>(__cvta_generic_to_shared(pointer));
}

__device__ __forceinline__ void initBarrier(u32 barrier, u32 count) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier),
               "r"(count)
               : "memory");
}
__device__ __forceinline__ void publishBarriers() {
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}
__device__ __forceinline__ void expectBytes(u32 barrier, u32 bytes) {
  asm volatile(
      "mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier),
      "r"(bytes)
      : "memory");
}
__device__ __forceinline__ void arrive(u32 barrier) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(barrier)
               : "memory");
}
// A lost arrival ends the launch with a wrong result instead of a hang. A trap
// here would make ptxas ignore setmaxnreg, and spill.
__device__ __forceinline__ void awaitPhase(u32 barrier, u32 parity) {
  constexpr u32 kPatience = 1u << 22;
  for (u32 spins = 0; spins < kPatience; ++spins) {
    u32 done;
    asm volatile("{.reg .pred p;\n"
                 "mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\n"
                 "selp.u32 %0, 1, 0, p;}"
                 : "=r"(done)
                 : "r"(barrier), "r"(parity)
                 : "memory");
    if (done)
      return;
  }
}
// Barrier `id` of the block, for `threads` threads.
__device__ __forceinline__ void syncNamed(int id, int threads) {
  asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(threads) : "memory");
}
__device__ __forceinline__ void arriveNamed(int id, int threads) {
  asm volatile("bar.arrive %0, %1;" ::"r"(id), "r"(threads) : "memory");
}

// Boxes of maps over (column, head, token, image).
__device__ __forceinline__ void loadBox(u32 to, const TensorMap& map,
                                        u32 barrier, int column, int head,
                                        int token, int image) {
  asm volatile(
      "cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier"
      "::complete_tx::bytes [%0], [%1, {%3, %4, %5, %6}], [%2];" ::"r"(to),
      "l"(&map), "r"(barrier), "r"(column), "r"(head), "r"(token), "r"(image)
      : "memory");
}
// `bytes` in one piece; both ends lie at multiples of 16.
__device__ __forceinline__ void loadBytes(u32 to, const void* from, u32 bytes,
                                          u32 barrier) {
  asm volatile("cp.async.bulk.shared::cluster.global.mbarrier"
               "::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(to),
               "l"(from), "r"(bytes), "r"(barrier)
               : "memory");
}
__device__ __forceinline__ void storeBox(u32 from, const TensorMap& map,
                                         int column, int head, int token,
                                         int image) {
  asm volatile("cp.async.bulk.tensor.4d.global.shared::cta.bulk_group "
               "[%1, {%2, %3, %4, %5}], [%0];" ::"r"(from),
               "l"(&map), "r"(column), "r"(head), "r"(token), "r"(image)
               : "memory");
}
__device__ __forceinline__ void commitStores() {
  asm volatile("cp.async.bulk.commit_group;" ::: "memory");
}
// Until shared memory has been read, or until results are written.
__device__ __forceinline__ void finishReads() {
  asm volatile("cp.async.bulk.wait_group.read 0;" ::: "memory");
}
__device__ __forceinline__ void finishStores() {
  asm volatile("cp.async.bulk.wait_group 0;" ::: "memory");
}
// What was stored to shared memory is seen by bulk copies after this.
__device__ __forceinline__ void publishToCopies() {
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}
__device__ __forceinline__ void storeShared(u32 to, u32 value) {
  asm volatile("st.shared.b32 [%0], %1;" ::"r"(to), "r"(value) : "memory");
}
__device__ __forceinline__ u32 loadShared(u32 from) {
  u32 value;
  asm volatile("ld.shared.b32 %0, [%1];" : "=r"(value) : "r"(from) : "memory");
  return value;
}
__device__ __forceinline__ void loadShared(u32 from, float (&to)[4]) {
  asm volatile("ld.shared.v4.f32 {%0, %1, %2, %3}, [%4];"
               : "=f"(to[0]), "=f"(to[1]), "=f"(to[2]), "=f"(to[3])
               : "r"(from)
               : "memory");
}
// A chunk of 16 bytes: `first` and zeros.
__device__ __forceinline__ void storeChunk(u32 to, u32 first) {
  asm volatile("st.shared.v4.b32 [%0], {%1, %2, %2, %2};" ::"r"(to),
               "r"(first), "r"(0)
               : "memory");
}

// Operands of a warpgroup's product, 128-byte swizzle. Across: rows of 128
// bytes along the summed dimension, groups of 8 rows 1024 bytes apart. Along:
// the summed dimension are the rows; pieces of 64 columns lie `piece` bytes
// apart, groups of 8 rows 1024 bytes.
__device__ __forceinline__ u64 operandBits(u32 address) {
  return static_cast<u64>((address & 0x3FFFF) >> 4) | (64ull << 32) |
         (1ull << 62);
}
__device__ __forceinline__ u64 operandAcross(u32 address) {
  return operandBits(address) | (1ull << 16);
}
__device__ __forceinline__ u64 operandAlong(u32 address, u32 piece) {
  return operandBits(address) | (static_cast<u64>(piece >> 4) << 16);
}
__device__ __forceinline__ void fenceProducts() {
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}
__device__ __forceinline__ void commitProducts() {
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}
template <int kPending>
__device__ __forceinline__ void awaitProducts() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kPending) : "memory");
}
// No read of `values` moves above this point.
template <int kCount>
__device__ __forceinline__ void pin(float (&values)[kCount]) {
#pragma unroll
  for (int i = 0; i < kCount; ++i)
    asm volatile("" : "+f"(values[i])::"memory");
}
// A warp issues in order, so an instruction that needs `bits` keeps what
// follows behind it. It never fires: weights have no sign.
__device__ __forceinline__ void hold(u32 bits, u32 barrier) {
  asm volatile("{.reg .pred p;\n"
               "setp.lt.s32 p, %0, 0;\n"
               "@p mbarrier.arrive.shared::cta.b64 _, [%1];}" ::"r"(bits),
               "r"(barrier)
               : "memory");
}

template <int kCount>
__device__ __forceinline__ void giveRegisters() {
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(kCount));
}
template <int kCount>
__device__ __forceinline__ void takeRegisters() {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(kCount));
}

__device__ __forceinline__ float exp2Fast(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
// Two elements, rounded to nearest; f16 where kHalf, else bf16.
template <bool kHalf>
__device__ __forceinline__ u32 pack(float low, float high) {
  u32 both;
  if constexpr (kHalf)
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(high), "f"(low));
  else
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(high), "f"(low));
  return both;
}
// The lower and the upper of two elements.
template <bool kHalf>
__device__ __forceinline__ float low(u32 both) {
  if constexpr (!kHalf)
    return __uint_as_float(both << 16);
  float value;
  asm("{.reg .b16 l, h;\nmov.b32 {l, h}, %1;\ncvt.f32.f16 %0, l;}"
      : "=f"(value)
      : "r"(both));
  return value;
}
template <bool kHalf>
__device__ __forceinline__ float high(u32 both) {
  if constexpr (!kHalf)
    return __uint_as_float(both & 0xffff0000u);
  return low<kHalf>(both >> 16);
}
// Over the four lanes that share a row of an accumulator.
__device__ __forceinline__ float quadMax(float value) {
  value = fmaxf(value, __shfl_xor_sync(~0u, value, 1));
  return fmaxf(value, __shfl_xor_sync(~0u, value, 2));
}
__device__ __forceinline__ float quadSum(float value) {
  value += __shfl_xor_sync(~0u, value, 1);
  return value + __shfl_xor_sync(~0u, value, 2);
}
// From the first of these four lanes.
__device__ __forceinline__ float quadFirst(float value) {
  return __shfl_sync(~0u, value, threadIdx.x % 32 & ~3);
}
