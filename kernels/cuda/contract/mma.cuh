// SPDX-License-Identifier: Apache-2.0
// Products of a warp from registers (sm_80 and later): 16 rows of A by 8
// columns of B, 16 deep. Lane 4g + t holds
//   of A     rows g and g + 8; depths 2t, 2t + 1 (words 0, 1) and 2t + 8,
//            2t + 9 (words 2, 3), rows alternating
//   of B     column g, the same depths in two words
//   of sums  rows g (first two) and g + 8, columns 2t and 2t + 1
#pragma once

#include "common/views.cuh"

struct ProductBf16 {
  static __device__ __forceinline__ void add(float (&d)[4], const u32 (&a)[4],
                                             u32 b0, u32 b1) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  }
};
struct ProductF16 {
  static __device__ __forceinline__ void add(float (&d)[4], const u32 (&a)[4],
                                             u32 b0, u32 b1) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  }
};
