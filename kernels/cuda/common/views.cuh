// SPDX-License-Identifier: Apache-2.0
// What every kernel shares: its slices, and how it follows the one before.
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long i64;

// Rows `pitch` elements apart.
struct View {
  void* data;
  i64 pitch;
};
template <int N>
struct Views {
  View view[N > 0 ? N : 1];
};
struct alignas(64) TensorMap {
  u64 opaque[16];
};

// Programmatic dependent launch: what stands before the wait may run while the
// kernel before still does. Every kernel waits before it reads or writes what
// others do, so that completion is in order.
__device__ __forceinline__ void waitForPrevious() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}
__device__ __forceinline__ void letNextStart() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}
