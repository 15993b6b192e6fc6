// SPDX-License-Identifier: Apache-2.0
// Convolution of few channels, such as a picture's three: all of a pixel's
// products (tap, channel) are one short row of a matrix, up to 80 long.
//
// Bound by what is written. A warp keeps the weights of 32 * kGroups outputs
// in registers and takes 16 pixels at a time, which it gathers straight from
// memory into the operands of its products; neighbouring taps meet in the
// first-level cache. No shared memory and no barrier; a warp is alone.
//
// A problem P, printed by the plan, has
//   using Product;   of mma.cuh
//   kChannels, kTaps, kKernelWidth, kStride, kPadTop, kPadLeft
//   kWide      elements that a lane gathers at once: 2 where a pair never
//              straddles pixels and lies at a multiple of 4 bytes, else 1
//   kGroups    groups of 32 outputs of a warp
#pragma once

#include "contract/mma.cuh"
#include "contract/tiling.cuh"

template <class P>
struct FewChannels {
  static constexpr int kDepth = P::kTaps * P::kChannels;
  static constexpr int kSteps = (kDepth + 15) / 16;
  static constexpr int kColumns = 4 * P::kGroups; // of 8 outputs
  static constexpr int kPieces = 2 / P::kWide;    // gathers to a word

  // The depth of element 0 of word `word` (0 or 1, of a row) of a lane.
  static __device__ __forceinline__ int depthOf(int step, int word) {
    return 16 * step + 8 * word + static_cast<int>(threadIdx.x) % 4 * 2;
  }
};

// Two elements of packed row `row` at depths `depth` and `depth + 1`.
template <class P>
__device__ __forceinline__ u32 fewChannelsWeight(const u16* row, int depth) {
  u32 word = 0;
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    const int k = depth + i;
    if (k < FewChannels<P>::kDepth)
      word |=
          static_cast<u32>(row[k / P::kChannels * kChunk + k % P::kChannels])
          << (16 * i);
  }
  return word;
}

template <class P>
struct FewChannelsWeights {
  using F = FewChannels<P>;
  u32 word[F::kSteps][F::kColumns][2];

  // Of outputs from 32 * group; those past the last are zeros. Packed rows
  // are already in the order of columns.
  __device__ __forceinline__ FewChannelsWeights(const View* views, int group,
                                                int paddedOutputs) {
    const int first =
        group * kRowGroup + static_cast<int>(threadIdx.x) % 32 / 4;
    const u16* packed = static_cast<const u16*>(views[1].data);
#pragma unroll
    for (int j = 0; j < F::kColumns; ++j) {
      const int row = first + 8 * j;
      const u16* from = packed + static_cast<i64>(row) * P::kTaps * kChunk;
#pragma unroll
      for (int step = 0; step < F::kSteps; ++step)
#pragma unroll
        for (int half = 0; half < 2; ++half)
          word[step][j][half] =
              row < paddedOutputs
                  ? fewChannelsWeight<P>(from, F::depthOf(step, half))
                  : 0;
    }
  }
};

// Where a lane's elements lie, from tap (0, 0) of a pixel.
template <class P>
struct FewChannelsTaps {
  using F = FewChannels<P>;
  static constexpr int kCount = F::kSteps * 2 * F::kPieces;
  int offset[kCount];
  int tap[kCount]; // row << 16 | column; none where products end

  __device__ __forceinline__ FewChannelsTaps(i64 pitch, int inWidth) {
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      const int k =
          F::depthOf(i / F::kPieces / 2, i / F::kPieces % 2) + i % F::kPieces;
      const int at = k / P::kChannels;
      const int dy = at / P::kKernelWidth, dx = at % P::kKernelWidth;
      offset[i] =
          (dy * inWidth + dx) * static_cast<int>(pitch) + k % P::kChannels;
      // Past every picture.
      tap[i] = k < F::kDepth ? dy << 16 | dx : 0x7fff << 16;
    }
  }
};

// A pixel's place: where tap (0, 0) lies in the input, and its row of the
// product, -1 past the last.
struct FewChannelsPixel {
  const u16* from;
  int y, x, row;
};

template <class P>
__device__ __forceinline__ FewChannelsPixel fewChannelsPixel(const View& input,
                                                             const SimtShape& s,
                                                             int pixel) {
  const int inImage = s.shape.height * s.shape.width;
  const int n = pixel / inImage, at = pixel % inImage;
  const int y = at / s.shape.width * P::kStride - P::kPadTop;
  const int x = at % s.shape.width * P::kStride - P::kPadLeft;
  const i64 first = (static_cast<i64>(n) * s.inHeight + y) * s.inWidth + x;
  return {static_cast<const u16*>(input.data) + first * input.pitch, y, x,
          n < s.shape.batch ? pixel : -1};
}

// The words of one row of A, for all steps.
template <class P>
__device__ __forceinline__ void
gatherRow(const FewChannelsPixel& pixel, const FewChannelsTaps<P>& taps,
          const SimtShape& s, u32 (&to)[FewChannels<P>::kSteps][2]) {
  using F = FewChannels<P>;
#pragma unroll
  for (int i = 0; i < F::kSteps * 2; ++i) {
    u32 word = 0;
#pragma unroll
    for (int piece = 0; piece < F::kPieces; ++piece) {
      const int tap = taps.tap[i * F::kPieces + piece];
      const u32 y = static_cast<u32>(pixel.y + (tap >> 16));
      const u32 x = static_cast<u32>(pixel.x + (tap & 0xffff));
      const u16* from = pixel.from + taps.offset[i * F::kPieces + piece];
      if (pixel.row >= 0 && y < static_cast<u32>(s.inHeight) &&
          x < static_cast<u32>(s.inWidth)) {
        if constexpr (P::kWide == 2)
          word = *reinterpret_cast<const u32*>(from);
        else
          word |= static_cast<u32>(*from) << (16 * piece);
      }
    }
    to[i / 2][i % 2] = word;
  }
}

template <class P, class Epilogue>
__device__ __forceinline__ void
finishPixel(const View* views, const FewChannelsPixel& pixel, int column,
            const typename Epilogue::Operand (&operand)[P::kGroups],
            const float (&sums)[FewChannels<P>::kColumns][4], int half) {
  const Epilogue epilogue{};
#pragma unroll
  for (int q = 0; q < P::kGroups; ++q) {
    float value[8], gate[8] = {};
#pragma unroll
    for (int i = 0; i < 8; ++i)
      value[i] = sums[4 * q + i / 2][2 * half + i % 2];
    if (pixel.row >= 0 && column + 32 * q < Epilogue::kOutputs)
      epilogue.finish(views + 2, value, gate, operand[q], pixel.row,
                      column + 32 * q);
  }
}

template <class P, class Epilogue>
__device__ __forceinline__ void
finishBlock(const View* views, const SimtShape& s, int block, int group,
            const FewChannelsTaps<P>& taps,
            const FewChannelsWeights<P>& weights) {
  using F = FewChannels<P>;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int column = group * kRowGroup + lane % 4 * 8;
  const Epilogue epilogue{};
  FewChannelsPixel pixel[2];
  u32 words[2][F::kSteps][2];
  typename Epilogue::Operand operand[2][P::kGroups];
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    pixel[half] =
        fewChannelsPixel<P>(views[0], s, block * 16 + half * 8 + lane / 4);
    gatherRow<P>(pixel[half], taps, s, words[half]);
#pragma unroll
    for (int q = 0; q < P::kGroups; ++q)
      if (pixel[half].row >= 0 && column + 32 * q < Epilogue::kOutputs)
        operand[half][q] =
            epilogue.fetch(views + 2, pixel[half].row, column + 32 * q);
  }
  float sums[F::kColumns][4] = {};
#pragma unroll
  for (int step = 0; step < F::kSteps; ++step) {
    const u32 a[4] = {words[0][step][0], words[1][step][0], words[0][step][1],
                      words[1][step][1]};
#pragma unroll
    for (int j = 0; j < F::kColumns; ++j)
      P::Product::add(sums[j], a, weights.word[step][j][0],
                      weights.word[step][j][1]);
  }
  finishPixel<P, Epilogue>(views, pixel[0], column, operand[0], sums, 0);
  finishPixel<P, Epilogue>(views, pixel[1], column, operand[1], sums, 1);
}

// Blocks: s.shape.tilesC pieces of the outputs for each of s.shape.tilesW
// shares of the pixels.
template <class P, class Epilogue>
__device__ __forceinline__ void contractFewChannels(const View* views,
                                                    const SimtShape& s) {
  constexpr int kWarps = kFewChannelsThreads / 32;
  const int piece = static_cast<int>(blockIdx.x) % s.shape.tilesC;
  const int share = static_cast<int>(blockIdx.x) / s.shape.tilesC;
  const int group = piece * P::kGroups;
  const FewChannelsTaps<P> taps(views[0].pitch, s.inWidth);
  const FewChannelsWeights<P> weights(views, group, s.shape.paddedOutputs);
  letNextStart();
  waitForPrevious();
  const int pixels = s.shape.batch * s.shape.height * s.shape.width;
  const int blocks = (pixels + 15) / 16;
  for (int block = share * kWarps + static_cast<int>(threadIdx.x) / 32;
       block < blocks; block += s.shape.tilesW * kWarps)
    finishBlock<P, Epilogue>(views, s, block, group, taps, weights);
}
