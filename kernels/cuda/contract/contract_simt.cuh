// SPDX-License-Identifier: Apache-2.0
// Contraction without matrix units: any geometry, alignment and card, float32
// products and sums, in the order of (tap, channel).
//
// A block makes 128 pixels by 64 outputs (of each gate), 16 products deep at
// a time; a thread 4 pixels by 8 outputs. 13 or 17 KiB of shared memory.
#pragma once

#include "contract/elements.cuh"
#include "contract/tiling.cuh"

template <int kGates>
struct SimtStage {
  // Rows of 16-byte multiples, 4 banks apart.
  alignas(16) float input[kSimtDepth][kSimtRows + 4];
  alignas(16) float weights[kSimtDepth][kGates * kSimtColumns + 4];
  // Of each pixel: image (-1 outside the product), and where tap (0, 0) lies.
  int image[kSimtRows], y[kSimtRows], x[kSimtRows];
};

template <class Stage>
__device__ __forceinline__ void
placePixels(Stage& stage, const ContractShape& s, int first, int phase) {
  const int i = threadIdx.x;
  if (i >= kSimtRows)
    return;
  const int pixel = first + i, inImage = pixel % (s.height * s.width);
  const int n = pixel / (s.height * s.width);
  const TileOrigin o{phase, n, inImage / s.width, inImage % s.width, 0};
  stage.image[i] = n < s.batch ? n : -1;
  stage.y[i] = firstInputRow(s, o);
  stage.x[i] = firstInputColumn(s, o);
}

template <class Element, int kGates>
__device__ __forceinline__ void fillStage(SimtStage<kGates>& stage,
                                          const View* views, const SimtShape& s,
                                          int depth, int column, int phase) {
  using Memory = typename Element::Memory;
  const auto* input = static_cast<const Memory*>(views[0].data);
  const auto* packed = static_cast<const Memory*>(views[1].data);
  const int kk = threadIdx.x % kSimtDepth, lane = threadIdx.x / kSimtDepth;
  constexpr int kLanes = kSimtThreads / kSimtDepth;
  const int k = depth + kk, tap = k / s.channels, c = k % s.channels;
  const int dy = tap / s.shape.kernelWidth, dx = tap % s.shape.kernelWidth;
  const bool any = tap < s.shape.taps;
#pragma unroll
  for (int i = 0; i < kSimtRows / kLanes; ++i) {
    const int row = lane + i * kLanes;
    const int n = stage.image[row];
    const int y = stage.y[row] + dy, x = stage.x[row] + dx;
    float value = 0;
    if (any && n >= 0 && y >= 0 && y < s.inHeight * s.upsample && x >= 0 &&
        x < s.inWidth * s.upsample) {
      const i64 pixel =
          (static_cast<i64>(n) * s.inHeight + y / s.upsample) * s.inWidth +
          x / s.upsample;
      value = Element::load(input[pixel * views[0].pitch + c]);
    }
    stage.input[kk][row] = value;
  }
  const i64 columns = static_cast<i64>(s.shape.taps) * s.shape.chunks * kChunk;
#pragma unroll
  for (int i = 0; i < kGates * kSimtColumns / kLanes; ++i) {
    const int at = lane + i * kLanes, gate = at / kSimtColumns;
    const int output = column + at % kSimtColumns;
    const i64 row =
        (phase * kGates + gate) * s.shape.paddedOutputs + packedRow(output);
    const i64 from = row * columns + tap * s.shape.chunks * kChunk + c;
    stage.weights[kk][at] = any && output < s.shape.paddedOutputs
                                ? Element::load(packed[from])
                                : 0.f;
  }
}

template <int kGates>
__device__ __forceinline__ void addProducts(const SimtStage<kGates>& stage,
                                            int row, int column,
                                            float (&sum)[kGates][4][8]) {
  // Sums of few products first: rounding grows with the length of a chain.
  float part[kGates][4][8] = {};
#pragma unroll
  for (int k = 0; k < kSimtDepth; ++k) {
    const float4 a = *reinterpret_cast<const float4*>(&stage.input[k][row]);
    const float x[4] = {a.x, a.y, a.z, a.w};
#pragma unroll
    for (int gate = 0; gate < kGates; ++gate) {
      const auto* from = reinterpret_cast<const float4*>(
          &stage.weights[k][gate * kSimtColumns + column]);
      const float4 low = from[0], high = from[1];
      const float w[8] = {low.x,  low.y,  low.z,  low.w,
                          high.x, high.y, high.z, high.w};
#pragma unroll
      for (int i = 0; i < 4; ++i)
#pragma unroll
        for (int j = 0; j < 8; ++j)
          part[gate][i][j] = fmaf(x[i], w[j], part[gate][i][j]);
    }
  }
#pragma unroll
  for (int gate = 0; gate < kGates; ++gate)
#pragma unroll
    for (int i = 0; i < 4; ++i)
#pragma unroll
      for (int j = 0; j < 8; ++j)
        sum[gate][i][j] += part[gate][i][j];
}

// Blocks: (pixels, outputs, phases).
template <class Element, class Epilogue>
__device__ __forceinline__ void contractSimt(const View* views,
                                             const SimtShape& s) {
  constexpr int kGates = Epilogue::kGated ? 2 : 1;
  __shared__ SimtStage<kGates> stage;
  letNextStart();
  waitForPrevious();
  const int first = blockIdx.x * kSimtRows, phase = blockIdx.z;
  const int column = blockIdx.y * kSimtColumns;
  const int myRow = threadIdx.x / 8 * 4, myColumn = threadIdx.x % 8 * 8;
  float sum[kGates][4][8] = {};
  placePixels(stage, s.shape, first, phase);
  for (int depth = 0; depth < s.shape.taps * s.channels; depth += kSimtDepth) {
    __syncthreads();
    fillStage<Element>(stage, views, s, depth, column, phase);
    __syncthreads();
    addProducts(stage, myRow, myColumn, sum);
  }
  if (column + myColumn >= Epilogue::kOutputs)
    return;
  const Epilogue epilogue{};
  const int inImage = s.shape.height * s.shape.width;
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const int pixel = first + myRow + i;
    if (pixel / inImage >= s.shape.batch)
      continue;
    const int row =
        productRow(s.shape, phase, pixel / inImage,
                   pixel % inImage / s.shape.width, pixel % s.shape.width);
    const auto operand = epilogue.fetch(views + 2, row, column + myColumn);
    epilogue.finish(views + 2, sum[0][i], sum[kGates - 1][i], operand, row,
                    column + myColumn);
  }
}
