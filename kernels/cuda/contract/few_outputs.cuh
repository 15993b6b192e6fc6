// SPDX-License-Identifier: Apache-2.0
// Convolution to few outputs, such as a picture's three, with one read of the
// input: a tap is a column of the product like an output, so that
//   part[p, (tap, o)] = sum over c of in[p, c] * weight[o, tap, c]
// is a product of matrices, and
//   out[p, o] = sum over tap of part[p + offset(tap), (tap, o)]
// adds neighbours, in the order of taps.
//
// A block makes kTileHeight x kTileWidth pixels and so needs the parts of
// these and of their neighbours, which stay in shared memory, float32. Warps
// take 16 pixels at a time, straight from memory into the operands of their
// products: lane 4g + t reads 16 bytes, channels 8t to 8t + 7 of 32, and these
// are depths 2t, 2t + 1, 2t + 8, 2t + 9 of two steps, for the weights too.
//
// A problem P, printed by the plan, has
//   using Product;   of mma.cuh
//   kChannels (a multiple of 32), kOutputs (1 to 8), kKernelHeight,
//   kKernelWidth, kPadTop, kPadLeft, kTileHeight, kTileWidth
//   kBatch     groups of 32 channels whose loads are in flight at once
#pragma once

#include "contract/mma.cuh"
#include "contract/tiling.cuh"

template <class P>
struct FewOutputs {
  static constexpr int kTaps = P::kKernelHeight * P::kKernelWidth;
  static constexpr int kParts = kTaps * P::kOutputs;
  static constexpr int kColumns = (kParts + 7) / 8; // of 8 parts
  static constexpr int kGroups = P::kChannels / 32;
  static constexpr int kWidth = P::kTileWidth + P::kKernelWidth - 1;
  static constexpr int kHeight = P::kTileHeight + P::kKernelHeight - 1;
  static constexpr int kPixels = kWidth * kHeight;
  static constexpr int kBlocks = (kPixels + 15) / 16;
  // Odd, so that neighbouring pixels are in different banks.
  static constexpr int kPitch = kParts | 1;
};

// Weights [group of 32 channels][column][lane], 16 bytes a lane.
template <class P>
__device__ __forceinline__ void fillWeights(const View* views, uint4* to) {
  using F = FewOutputs<P>;
  const u16* packed = static_cast<const u16*>(views[1].data);
  constexpr int kChunks = (P::kChannels + kChunk - 1) / kChunk;
  constexpr int kRow = F::kTaps * kChunks * kChunk;
  for (int i = threadIdx.x; i < F::kGroups * F::kColumns * 32;
       i += kFewOutputsThreads) {
    const int lane = i % 32, column = i / 32 % F::kColumns;
    const int group = i / 32 / F::kColumns;
    const int part = column * 8 + lane / 4;
    const int tap = part / P::kOutputs, output = part % P::kOutputs;
    const int at = tap * kChunks * kChunk + group * 32 + lane % 4 * 8;
    uint4 word = {0, 0, 0, 0};
    if (part < F::kParts)
      word = *reinterpret_cast<const uint4*>(packed + packedRow(output) * kRow +
                                             at);
    to[i] = word;
  }
}

// Channels of one pixel, kBatch groups from `group`; zeros outside.
template <class P>
__device__ __forceinline__ void loadPixel(const u16* from, int group,
                                          uint4 (&to)[P::kBatch]) {
#pragma unroll
  for (int i = 0; i < P::kBatch; ++i) {
    to[i] = {0, 0, 0, 0};
    if (from && group + i < FewOutputs<P>::kGroups)
      to[i] = *reinterpret_cast<const uint4*>(from + (group + i) * 32);
  }
}

template <class P>
__device__ __forceinline__ void
addGroup(float (&sums)[FewOutputs<P>::kColumns][4], const uint4& low,
         const uint4& high, const uint4* weights) {
  const u32 first[4] = {low.x, high.x, low.y, high.y};
  const u32 second[4] = {low.z, high.z, low.w, high.w};
#pragma unroll
  for (int j = 0; j < FewOutputs<P>::kColumns; ++j) {
    const uint4 w = weights[j * 32];
    P::Product::add(sums[j], first, w.x, w.y);
    P::Product::add(sums[j], second, w.z, w.w);
  }
}

template <class P>
__device__ __forceinline__ void
storeParts(float* parts, int pixel,
           const float (&sums)[FewOutputs<P>::kColumns][4], int half) {
  using F = FewOutputs<P>;
  if (pixel >= F::kPixels)
    return;
#pragma unroll
  for (int j = 0; j < F::kColumns; ++j)
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      const int part = 8 * j + static_cast<int>(threadIdx.x) % 4 * 2 + i;
      if (part < F::kParts)
        parts[pixel * F::kPitch + part] = sums[j][2 * half + i];
    }
}

// Where a block's pixels begin: in the output.
struct FewOutputsTile {
  int n, y, x;
};

// The lane's channels of pixel `pixel` of the tile and its neighbours, or
// null outside of the picture.
template <class P>
__device__ __forceinline__ const u16*
pixelOf(const View& input, const SimtShape& s, const FewOutputsTile& tile,
        int pixel) {
  using F = FewOutputs<P>;
  const int y = tile.y - P::kPadTop + pixel / F::kWidth;
  const int x = tile.x - P::kPadLeft + pixel % F::kWidth;
  if (pixel >= F::kPixels || y < 0 || y >= s.inHeight || x < 0 ||
      x >= s.inWidth)
    return nullptr;
  const i64 row = (static_cast<i64>(tile.n) * s.inHeight + y) * s.inWidth + x;
  return static_cast<const u16*>(input.data) + row * input.pitch +
         static_cast<int>(threadIdx.x) % 4 * 8;
}

template <class P>
__device__ __forceinline__ void makeParts(const View& input, const SimtShape& s,
                                          const FewOutputsTile& tile,
                                          const uint4* weights, float* parts) {
  using F = FewOutputs<P>;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  for (int block = static_cast<int>(threadIdx.x) / 32; block < F::kBlocks;
       block += kFewOutputsThreads / 32) {
    const int pixel = block * 16 + lane / 4;
    const u16* low = pixelOf<P>(input, s, tile, pixel);
    const u16* high = pixelOf<P>(input, s, tile, pixel + 8);
    float sums[F::kColumns][4] = {};
#pragma unroll 1
    for (int group = 0; group < F::kGroups; group += P::kBatch) {
      uint4 lowWords[P::kBatch], highWords[P::kBatch];
      loadPixel<P>(low, group, lowWords);
      loadPixel<P>(high, group, highWords);
#pragma unroll
      for (int i = 0; i < P::kBatch; ++i)
        if (group + i < F::kGroups)
          addGroup<P>(sums, lowWords[i], highWords[i],
                      weights + (group + i) * F::kColumns * 32 + lane);
    }
    storeParts<P>(parts, pixel, sums, 0);
    storeParts<P>(parts, pixel + 8, sums, 1);
  }
}

template <class P, class Epilogue>
__device__ __forceinline__ void addParts(const View* views, const SimtShape& s,
                                         const FewOutputsTile& tile,
                                         const float* parts) {
  using F = FewOutputs<P>;
  const Epilogue epilogue{};
  for (int i = threadIdx.x; i < P::kTileHeight * P::kTileWidth;
       i += kFewOutputsThreads) {
    const int y = i / P::kTileWidth, x = i % P::kTileWidth;
    if (tile.y + y >= s.shape.height || tile.x + x >= s.shape.width)
      continue;
    const int row = productRow(s.shape, 0, tile.n, tile.y + y, tile.x + x);
    const auto operand = epilogue.fetch(views + 2, row, 0);
    float value[8] = {}, gate[8] = {};
#pragma unroll
    for (int tap = 0; tap < F::kTaps; ++tap) {
      const int from =
          (y + tap / P::kKernelWidth) * F::kWidth + x + tap % P::kKernelWidth;
#pragma unroll
      for (int o = 0; o < P::kOutputs; ++o)
        value[o] += parts[from * F::kPitch + tap * P::kOutputs + o];
    }
    epilogue.finish(views + 2, value, gate, operand, row, 0);
  }
}

// A block for each of tilesN * tilesH * tilesW tiles. Dynamic shared memory:
// weights, then parts.
template <class P, class Epilogue>
__device__ __forceinline__ void
contractFewOutputs(const View* views, const SimtShape& s, void* shared) {
  using F = FewOutputs<P>;
  auto* weights = static_cast<uint4*>(shared);
  auto* parts =
      reinterpret_cast<float*>(weights + F::kGroups * F::kColumns * 32);
  const int block = static_cast<int>(blockIdx.x);
  const int inImage = block % (s.shape.tilesH * s.shape.tilesW);
  const FewOutputsTile tile = {block / (s.shape.tilesH * s.shape.tilesW),
                               inImage / s.shape.tilesW * P::kTileHeight,
                               inImage % s.shape.tilesW * P::kTileWidth};
  letNextStart();
  fillWeights<P>(views, weights);
  waitForPrevious();
  __syncthreads();
  makeParts<P>(views[0], s, tile, weights, parts);
  __syncthreads();
  addParts<P, Epilogue>(views, s, tile, parts);
}
