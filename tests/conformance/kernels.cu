// SPDX-License-Identifier: Apache-2.0
// What a compiler would generate for the conformance suite on a card. The
// text that the tests load, kernels.ptx, comes from
//   nvcc -ptx -arch=sm_80 -I. tests/conformance/kernels.cu
// with its first lines and .version by hand, so that older drivers take it.
#include "kernels/cuda/common/views.cuh"

struct Count {
  i64 items;
};

// out[i] = in[i] + 1 over rows of 8 floats, one thread a row.
extern "C" __global__ void addOne(const __grid_constant__ Views<2> views,
                                  const __grid_constant__ Count count) {
  i64 row = blockIdx.x * i64(blockDim.x) + threadIdx.x;
  if (row >= count.items)
    return;
  const float* in =
      (const float*)views.view[0].data + row * views.view[0].pitch;
  float* out = (float*)views.view[1].data + row * views.view[1].pitch;
  for (int i = 0; i < 8; ++i)
    out[i] = in[i] + 1.0f;
}

// count[i] += 1 for each item i.
extern "C" __global__ void countItems(const __grid_constant__ Views<1> views,
                                      const __grid_constant__ Count count) {
  i64 item = blockIdx.x * i64(blockDim.x) + threadIdx.x;
  if (item < count.items)
    ((int*)views.view[0].data)[item] += 1;
}

// Writes its parameters down: the constant, then the words of both maps.
extern "C" __global__ void echo(const __grid_constant__ Views<1> views,
                                const __grid_constant__ TensorMap first,
                                const __grid_constant__ TensorMap second,
                                const __grid_constant__ Count count) {
  u64* out = (u64*)views.view[0].data;
  out[0] = count.items;
  for (int i = 0; i < 16; ++i) {
    out[1 + i] = first.opaque[i];
    out[17 + i] = second.opaque[i];
  }
}

// Reads far outside of all memory.
extern "C" __global__ void crash(const __grid_constant__ Views<1> views) {
  ((volatile int*)views.view[0].data)[0] = *(volatile int*)(1ull << 60);
}
