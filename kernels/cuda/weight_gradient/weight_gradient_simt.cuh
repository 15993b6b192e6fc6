// SPDX-License-Identifier: Apache-2.0
// The gradient of a contraction's weights without matrix units: any geometry,
// alignment and card, float32 products and sums.
//
// A block makes 64 outputs by 64 columns (tap, channel) of one part of the
// pixels, 16 pixels deep at a time; a thread 4 by 4. 9 KiB of shared memory.
// Parts are added up by sumGradient, in their order.
#pragma once

#include "contract/elements.cuh"
#include "weight_gradient/tiling.cuh"

struct SimtGradientStage {
  // Rows of 16-byte multiples, 4 banks apart.
  alignas(16) float cotangents[kSimtGradientPixels][kSimtGradientTile + 4];
  alignas(16) float inputs[kSimtGradientPixels][kSimtGradientTile + 4];
  SimtPixel pixels[kSimtGradientPixels];
};

// Pixels from `pixel` on, of which those below `end` count.
template <class Element>
__device__ __forceinline__ void
fillStage(SimtGradientStage& stage, const View* views,
          const SimtGradientShape& s, const SimtColumn& column, int output,
          int pixel, int end) {
  using Memory = typename Element::Memory;
  const auto* input = static_cast<const Memory*>(views[0].data);
  const auto* cotangent = static_cast<const Memory*>(views[1].data);
  const int lane = threadIdx.x % kSimtGradientTile;
  constexpr int kRows = kSimtGradientThreads / kSimtGradientTile;
#pragma unroll
  for (int i = 0; i < kSimtGradientPixels / kRows; ++i) {
    const int row = threadIdx.x / kSimtGradientTile + i * kRows;
    const bool counts = pixel + row < end;
    float dy = 0, x = 0;
    if (counts && output + lane < s.outputs)
      dy = Element::load(
          cotangent[static_cast<i64>(pixel + row) * views[1].pitch + output +
                    lane]);
    const int met =
        counts && column.ky >= 0 ? simtMeets(s, stage.pixels[row], column) : -1;
    if (met >= 0)
      x = Element::load(
          input[static_cast<i64>(met) * views[0].pitch + column.channel]);
    stage.cotangents[row][lane] = dy;
    stage.inputs[row][lane] = x;
  }
}

__device__ __forceinline__ void addProducts(const SimtGradientStage& stage,
                                            int row, int column,
                                            float (&sum)[4][4]) {
  // Sums of few products first: rounding grows with the length of a chain.
  float part[4][4] = {};
#pragma unroll
  for (int k = 0; k < kSimtGradientPixels; ++k) {
    const float4 a =
        *reinterpret_cast<const float4*>(&stage.cotangents[k][row]);
    const float4 b = *reinterpret_cast<const float4*>(&stage.inputs[k][column]);
    const float dy[4] = {a.x, a.y, a.z, a.w}, x[4] = {b.x, b.y, b.z, b.w};
#pragma unroll
    for (int i = 0; i < 4; ++i)
#pragma unroll
      for (int j = 0; j < 4; ++j)
        part[i][j] = fmaf(dy[i], x[j], part[i][j]);
  }
#pragma unroll
  for (int i = 0; i < 4; ++i)
#pragma unroll
    for (int j = 0; j < 4; ++j)
      sum[i][j] += part[i][j];
}

// Blocks: (columns, outputs, parts). kWhole: there is one part, which is
// written as the result [output * channel * ky, kx]; else parts are written
// one after another, each as a result whose rows touch.
template <class Element, bool kWhole>
__device__ __forceinline__ void weightGradientSimt(const View* views,
                                                   const SimtGradientShape& s) {
  __shared__ SimtGradientStage stage;
  letNextStart();
  waitForPrevious();
  const int output = blockIdx.y * kSimtGradientTile;
  const int row = threadIdx.x / 16 * 4, column = threadIdx.x % 16 * 4;
  const SimtColumn mine = simtColumn(s, blockIdx.x * kSimtGradientTile +
                                            threadIdx.x % kSimtGradientTile);
  const int part = blockIdx.z, end = simtPartBegin(s, part + 1);
  float sum[4][4] = {};
  for (int pixel = simtPartBegin(s, part); pixel < end;
       pixel += kSimtGradientPixels) {
    __syncthreads();
    if (threadIdx.x < kSimtGradientPixels)
      stage.pixels[threadIdx.x] = simtPixel(s, pixel + threadIdx.x);
    __syncthreads();
    fillStage<Element>(stage, views, s, mine, output, pixel, end);
    __syncthreads();
    addProducts(stage, row, column, sum);
  }
  auto* to = static_cast<float*>(views[2].data);
  const i64 pitch = kWhole ? views[2].pitch : s.kernelWidth;
  if (!kWhole)
    to += simtWeight(s, part * s.outputs, {0, 0, 0}, pitch);
#pragma unroll
  for (int j = 0; j < 4; ++j) {
    const SimtColumn at =
        simtColumn(s, blockIdx.x * kSimtGradientTile + column + j);
    if (at.ky < 0)
      continue;
#pragma unroll
    for (int i = 0; i < 4; ++i)
      if (output + row + i < s.outputs)
        to[simtWeight(s, output + row + i, at, pitch)] = sum[i][j];
  }
}

// The sum of parts that weightGradientSimt wrote: {parts, result}.
__device__ __forceinline__ void sumGradient(const View* views,
                                            const SimtGradientShape& s) {
  letNextStart();
  waitForPrevious();
  const i64 count = static_cast<i64>(s.outputs) * s.channels * s.taps;
  const i64 i =
      static_cast<i64>(blockIdx.x) * kGradientSumThreads + threadIdx.x;
  if (i >= count)
    return;
  const auto* from = static_cast<const float*>(views[0].data) + i;
  float sum = 0;
#pragma unroll 4
  for (int part = 0; part < s.parts; ++part)
    sum += from[part * count];
  static_cast<float*>(
      views[1].data)[i / s.kernelWidth * views[1].pitch + i % s.kernelWidth] =
      sum;
}
