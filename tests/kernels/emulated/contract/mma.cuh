// SPDX-License-Identifier: Apache-2.0
// The products of kernels/cuda/contract/mma.cuh on the CPU: the lanes of a
// warp hand each other their operands.
#pragma once

#include "tests/compiler/printed/emulated/block.cuh"

#include "common/views.cuh"
#include "runtime/base/dtype.h"

struct alignas(16) uint4 {
  u32 x, y, z, w;
};

namespace emulated {

struct Operands {
  u32 a[4], b[2];
};
inline Operands operands[32][32]; // by warp and lane

// Element `i` of 2 of a word.
template <bool kHalf>
float element(u32 word, int i) {
  const u16 bits = static_cast<u16>(word >> (16 * i));
  return kHalf ? burin::f16ToFloat(bits) : burin::bf16ToFloat(bits);
}

template <bool kHalf>
void addProducts(float (&d)[4], const u32 (&a)[4], u32 b0, u32 b1) {
  const unsigned warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  auto& all = operands[warp];
  all[lane] = {{a[0], a[1], a[2], a[3]}, {b0, b1}};
  __syncwarp();
  for (int i = 0; i < 4; ++i) {
    const unsigned row = lane / 4, column = lane % 4 * 2 + i % 2;
    for (int k = 0; k < 16; ++k) {
      const int word = k / 8, t = k % 8 / 2;
      d[i] += element<kHalf>(all[row * 4 + t].a[word * 2 + i / 2], k % 2) *
              element<kHalf>(all[column * 4 + t].b[word], k % 2);
    }
  }
  __syncwarp();
}

} // namespace emulated

struct ProductBf16 {
  static void add(float (&d)[4], const u32 (&a)[4], u32 b0, u32 b1) {
    emulated::addProducts<false>(d, a, b0, b1);
  }
};
struct ProductF16 {
  static void add(float (&d)[4], const u32 (&a)[4], u32 b0, u32 b1) {
    emulated::addProducts<true>(d, a, b0, b1);
  }
};
