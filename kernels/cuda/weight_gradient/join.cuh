// SPDX-License-Identifier: Apache-2.0
// Adds up what weight_gradient_sm90.cuh keeps for each tile, in order of steps,
// and writes [output][channel][tap]. A block has 64 rows by 8 columns by all
// taps, and turns them in shared memory: 2 KiB a tap.
#pragma once

#include "common/views.cuh"
#include "weight_gradient/tiling.cuh"

// Adds what there is for one tap of a phase.
template <class T>
__device__ __forceinline__ void
addSums(const float4* from, const GradientShape& s, int block, int octet,
        int phase, int tap, float4& sum) {
  const SumsPlace place = sumsPlace(s, T::kTiling, block, octet, phase, tap);
  const GradientSlots slots = slotsOf(s, place.tile);
  from += sumsAt(T::kTiling, slots.first, place.block, place.octet);
#pragma unroll 4
  for (int i = 0; i < slots.count; ++i) {
    const float4 next = from[sumsAt(T::kTiling, i, 0, 0)];
    sum.x += next.x;
    sum.y += next.y;
    sum.z += next.z;
    sum.w += next.w;
  }
}

// `lines` outputs of `count` floats (channel, tap), kLine floats apart in
// shared memory and `pitch` in the result.
template <int kLine>
__device__ __forceinline__ void storeLines(const float* turned, float* to,
                                           i64 pitch, int lines, int count,
                                           bool vectors) {
  if (vectors) {
    for (int i = threadIdx.x; i < lines * (kLine / 4); i += 128) {
      const int line = i / (kLine / 4), at = i % (kLine / 4) * 4;
      if (at < count)
        *reinterpret_cast<float4*>(to + line * pitch + at) =
            *reinterpret_cast<const float4*>(turned + line * kLine + at);
    }
  } else {
    for (int i = threadIdx.x; i < lines * kLine; i += 128)
      if (i % kLine < count)
        to[i / kLine * pitch + i % kLine] = turned[i];
  }
}

// Blocks: (octets of columns, blocks of rows); 128 threads. kTaps is of the
// result, kPhases 1 or 4.
template <class T, int kTaps, int kPhases>
__device__ __forceinline__ void joinGradient(const View* views,
                                             const GradientShape& s) {
  extern __shared__ float4 shared[];
  constexpr int kOutputs = T::kTiling.inputRows ? kOctet : 64;
  constexpr int kChannels = T::kTiling.inputRows ? 64 : kOctet;
  constexpr int kLine = kChannels * kTaps;
  // From a row to the next, and from a column.
  constexpr int kRow = T::kTiling.inputRows ? kTaps : kLine;
  constexpr int kColumn = T::kTiling.inputRows ? kLine : kTaps;
  auto* turned = reinterpret_cast<float*>(shared); // [output][channel][tap]
  letNextStart();
  waitForPrevious();
  const int octet = blockIdx.x, block = blockIdx.y;
  const auto* from = static_cast<const float4*>(views[0].data) + threadIdx.x;
  float* mine = turned + (threadIdx.x / 32 * 16 + threadIdx.x % 32 / 4) * kRow +
                threadIdx.x % 4 * 2 * kColumn;
#pragma unroll(kTaps <= 9 ? kTaps : 1)
  for (int tap = 0; tap < kTaps; ++tap) {
    float4 sum = {0, 0, 0, 0};
#pragma unroll
    for (int phase = 0; phase < kPhases; ++phase)
      addSums<T>(from, s, block, octet, phase,
                 kPhases == 1 ? tap : elementMet(phase, tap / 3, tap % 3), sum);
    mine[tap] = sum.x;
    mine[tap + kColumn] = sum.y;
    mine[tap + 8 * kRow] = sum.z;
    mine[tap + 8 * kRow + kColumn] = sum.w;
  }
  __syncthreads();
  const int output = (T::kTiling.inputRows ? octet : block) * kOutputs;
  const int channel = (T::kTiling.inputRows ? block : octet) * kChannels;
  const i64 pitch = static_cast<i64>(s.channels) * kTaps;
  storeLines<kLine>(
      turned,
      static_cast<float*>(views[1].data) + output * pitch + channel * kTaps,
      pitch, min(kOutputs, s.outputs - output),
      min(kChannels, s.channels - channel) * kTaps, s.channels % 4 == 0);
}
