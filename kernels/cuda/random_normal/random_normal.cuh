// SPDX-License-Identifier: Apache-2.0
// Standard normals from a counter (kernels/cpu/contracts.h, "random_normal",
// and runtime/base/philox.h): a thread draws four.
#pragma once

#include "common/views.cuh"

struct RandomNormal {
  i64 count;
};

__device__ __forceinline__ void philox(u32 (&c)[4], u32 key0, u32 key1) {
#pragma unroll
  for (int round = 0; round < 10; ++round) {
    const u64 a = u64{0xD2511F53u} * c[0], b = u64{0xCD9E8D57u} * c[2];
    const u32 first = static_cast<u32>(b >> 32) ^ c[1] ^ key0;
    const u32 third = static_cast<u32>(a >> 32) ^ c[3] ^ key1;
    c[0] = first;
    c[1] = static_cast<u32>(b);
    c[2] = third;
    c[3] = static_cast<u32>(a);
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
}

// Views: {seed, offset}, out.
__device__ __forceinline__ void randomNormal(const View* views,
                                             const RandomNormal& r) {
  letNextStart();
  waitForPrevious();
  const i64 four = blockIdx.x * i64{blockDim.x} + threadIdx.x;
  const i64 begin = four * 4;
  if (begin >= r.count)
    return;
  const u64* stream = static_cast<const u64*>(views[0].data);
  const u64 seed = stream[0], block = stream[1] + static_cast<u64>(four);
  u32 words[4] = {static_cast<u32>(block), static_cast<u32>(block >> 32), 0, 0};
  philox(words, static_cast<u32>(seed), static_cast<u32>(seed >> 32));
  float* out = static_cast<float*>(views[1].data) + begin;
#pragma unroll
  for (int pair = 0; pair < 4; pair += 2) {
    const double u = (words[pair] + 0.5) * 0x1p-32;
    const double angle =
        6.283185307179586476925 * ((words[pair + 1] + 0.5) * 0x1p-32);
    const double radius = sqrt(-2 * log(u));
    double sine, cosine;
    sincos(angle, &sine, &cosine);
    if (begin + pair < r.count)
      out[pair] = static_cast<float>(radius * cosine);
    if (begin + pair + 1 < r.count)
      out[pair + 1] = static_cast<float>(radius * sine);
  }
}
