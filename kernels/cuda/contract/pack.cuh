// SPDX-License-Identifier: Apache-2.0
// Packs a weight [output][channel][tap] into the form of tiling.cuh. A block
// takes one packed output and some chunks of its channels: it reads them as
// one stretch of memory (tap by tap where the weight is transposed) and writes
// 128 bytes or more of each tap.
#pragma once

#include "contract/elements.cuh"
#include "contract/tiling.cuh"

template <class From, class To>
__device__ __forceinline__ void packContract(const View* views,
                                             const PackShape& s) {
  __shared__ float weights[kPackElements];
  letNextStart();
  waitForPrevious();
  const int padded = s.firstPadded + blockIdx.x;
  const int gate = padded / s.paddedOutputs;
  const int output = padded % s.paddedOutputs;
  const int chunk = blockIdx.y * s.chunksPerBlock;
  const int chunks = min(s.chunksPerBlock, s.chunks - chunk);
  const int count = min(s.channels - chunk * kChunk, chunks * kChunk);
  const bool filled = output < s.outputs;
  if (filled) {
    const int row = gate * s.outputs + output - s.firstRow;
    const auto* from = static_cast<const typename From::Memory*>(views[0].data);
    for (int i = threadIdx.x; i < count * s.taps; i += kPackThreads)
      weights[i] = From::load(
          from[weightElement(s, views[0].pitch, row,
                             chunk * kChunk + i / s.taps, i % s.taps)]);
  }
  __syncthreads();
  const int phaseTaps = s.phases == 1 ? s.taps : 4;
  const int width = chunks * kChunk;
  auto* to = static_cast<typename To::Memory*>(views[1].data);
  for (int i = threadIdx.x; i < s.phases * phaseTaps * width;
       i += kPackThreads) {
    const int c = i % width, tap = i / width % phaseTaps;
    const int phase = i / width / phaseTaps;
    const i64 row =
        (phase * s.gates + gate) * s.paddedOutputs + packedRow(output);
    const float value = filled && c < count ? packedWeight(weights + c * s.taps,
                                                           s.phases, phase, tap)
                                            : 0.f;
    to[row * s.columns + s.firstColumn + (tap * s.chunks + chunk) * kChunk +
       c] = To::store(value);
  }
}
