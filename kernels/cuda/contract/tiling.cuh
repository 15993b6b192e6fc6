// SPDX-License-Identifier: Apache-2.0
// The geometry of a contraction: how products are cut into tiles and how
// weights lie in memory. Shared by the kernels, by the plans that launch them
// and by the tests that hold both to plain loops.
#pragma once

#ifdef __CUDACC__
#define BURIN_DEVICE __device__ __forceinline__
#else
#define BURIN_DEVICE inline
#endif

// A K step is 64 channels of one tap: 128 bytes, the width of the swizzle.
constexpr int kChunk = 64;
// Rows of packed weights are permuted inside groups of this many.
constexpr int kRowGroup = 32;

// Constants of a launch. Pixels are those of one phase: of the output, or,
// when the input is enlarged twice, of the input; phase (py, px) of the four
// makes output pixels (2h + py, 2w + px), each from 2x2 taps.
struct ContractShape {
  int batch, height, width;
  int boxN, boxH, boxW;       // pixels of a tile; the product is kBM
  int inverseH, inverseW;     // by which rows of a tile are divided
  int tilesN, tilesH, tilesW; // along each extent
  int tilesC;                 // along the output channels
  int phases;                 // 1 or 4
  int chunks;                 // of the input's channels
  int shortcutChunks;         // of those of the shortcut's input, or 0
  int taps, kernelWidth;
  int stride, padTop, padLeft;
  int paddedOutputs; // rows of packed weights for one gate of one phase
  int pixelsFirst;   // neighbouring clusters take neighbouring pixel tiles
                     // (else neighbouring channel tiles)
};

// First phase, image, row, column and output channel of a tile.
struct TileOrigin {
  int phase, n, h, w, c;
};

// The tile of CTA (cm, cn) of a cluster of kCM x kCN that does piece `work`.
// Tiles past the last lie outside the product: their pixels are in no image.
template <int kCM, int kCN>
BURIN_DEVICE TileOrigin tileOrigin(const ContractShape& s, int tileChannels,
                                   int work, int cm, int cn) {
  const int perImage = s.tilesW * s.tilesH;
  const int perPhase = s.tilesN * perImage;
  const int groupsC = (s.tilesC + kCN - 1) / kCN;
  const int groupsM = (s.phases * perPhase + kCM - 1) / kCM;
  const int groupC = s.pixelsFirst ? work / groupsM : work % groupsC;
  const int groupM = s.pixelsFirst ? work % groupsM : work / groupsC;
  const int tile = groupM * kCM + cm;
  int phase = tile / perPhase;
  phase = phase < s.phases ? phase : s.phases - 1;
  const int inPhase = tile - phase * perPhase;
  const int inImage = inPhase % perImage;
  return {phase, inPhase / perImage * s.boxN, inImage / s.tilesW * s.boxH,
          inImage % s.tilesW * s.boxW, (groupC * kCN + cn) * tileChannels};
}

// The row of the product of pixel (n, h, w) of a phase.
BURIN_DEVICE int productRow(const ContractShape& s, int phase, int n, int h,
                            int w) {
  if (s.phases == 1)
    return (n * s.height + h) * s.width + w;
  return (n * 2 * s.height + 2 * h + phase / 2) * 2 * s.width + 2 * w +
         phase % 2;
}

// x / d is x * inverse(d) / 2^16 for x and d up to 2^8: the inverse exceeds
// 2^16 / d by less than 1, so that the quotient exceeds x / d by less than
// x / 2^16, which is below 1 / d.
BURIN_DEVICE int inverse(int d) {
  return (65535 + d) / d;
}
BURIN_DEVICE int quotient(int x, int inverse) {
  return x * inverse >> 16;
}

// The row of the product that is row `row` of a tile, or -1 where the tile
// leaves the product.
BURIN_DEVICE int tileRow(const ContractShape& s, const TileOrigin& o, int row) {
  const int rest = quotient(row, s.inverseW);
  const int image = quotient(rest, s.inverseH);
  const int w = o.w + row - rest * s.boxW;
  const int h = o.h + rest - image * s.boxH, n = o.n + image;
  const bool inside = w < s.width && h < s.height && n < s.batch;
  return inside ? productRow(s, o.phase, n, h, w) : -1;
}

// Input row and column that tap (0, 0) of a tile's first pixel meets. An even
// output row 2h of an enlarged input meets rows h - 1 and h, an odd one h and
// h + 1.
BURIN_DEVICE int firstInputRow(const ContractShape& s, const TileOrigin& o) {
  const int pad = s.phases == 1 ? s.padTop : 1 - o.phase / 2;
  return o.h * s.stride - pad;
}
BURIN_DEVICE int firstInputColumn(const ContractShape& s, const TileOrigin& o) {
  const int pad = s.phases == 1 ? s.padLeft : 1 - o.phase % 2;
  return o.w * s.stride - pad;
}

// Packed weights: [phase][gate][output][tap][channel], outputs padded to a
// multiple of 32, channels to one of 64, with zeros. Behind an output's taps
// lie the channels of its shortcut, padded too. Output 8t + 2j + b of a
// group of 32 is row 8j + 2t + b: then the accumulators that a wgmma leaves
// in a thread, columns 8j + 2t + b of t = lane % 4, are 8 neighbours.
BURIN_DEVICE int packedRow(int output) {
  const int in = output % kRowGroup;
  return output - in + in % 8 / 2 * 8 + in / 8 * 2 + in % 2;
}

// Which taps of three meet the first (element 0) and the second of the two
// input rows under an even (phase 0) or odd output row: [first, last).
BURIN_DEVICE int meetsFirst(int phase, int element) {
  return element == 0 ? 0 : 1 + phase;
}
BURIN_DEVICE int meetsLast(int phase, int element) {
  return element == 0 ? 1 + phase : 3;
}

// The weight of a tap of a phase, of the taps of one output and channel: one
// of them, or for four phases the sum of those of a 3x3 kernel that meet the
// same input element.
BURIN_DEVICE float packedWeight(const float* weights, int phases, int phase,
                                int tap) {
  if (phases == 1)
    return weights[tap];
  const int y0 = meetsFirst(phase / 2, tap / 2);
  const int y1 = meetsLast(phase / 2, tap / 2);
  const int x0 = meetsFirst(phase % 2, tap % 2);
  const int x1 = meetsLast(phase % 2, tap % 2);
  float sum = 0;
  for (int y = y0; y < y1; ++y)
    for (int x = x0; x < x1; ++x)
      sum += weights[y * 3 + x];
  return sum;
}

// Constants of a launch that packs outputs from `firstPadded`, counted with
// padding over the gates; the weight's first row is row `firstRow`.
struct PackShape {
  int outputs, paddedOutputs, gates, phases;
  int channels, chunks, taps; // taps of the weight, before phases
  int rows, transposed;       // outputs of this weight; how it lies
  int firstRow, firstPadded;
  int columns, firstColumn; // of a packed row; where this weight's begin
  int chunksPerBlock; // chunksPerBlock * kChunk * taps <= kPackElements
};
// Where a weight [output][channel][tap] has an element; if it is transposed,
// [channel][output][tap] with the taps in reverse. Rows of a linear layer's
// weights lie `pitch` apart, all others touch.
BURIN_DEVICE long long weightElement(const PackShape& s, long long pitch,
                                     int output, int channel, int tap) {
  const int outer = s.transposed ? channel : output;
  const int inner = s.transposed ? output : channel;
  const long long touching =
      static_cast<long long>(s.transposed ? s.rows : s.channels) * s.taps;
  return outer * (pitch > touching ? pitch : touching) + inner * s.taps +
         (s.transposed ? s.taps - 1 - tap : tap);
}

constexpr int kPackElements = 4096;
constexpr int kPackThreads = 256;

// Constants of a launch of contract_simt.cuh, where tiles are flat: `shape`
// has no boxes; and of few_channels.cuh and few_outputs.cuh.
struct SimtShape {
  ContractShape shape;
  int inHeight, inWidth; // before the input is enlarged
  int channels, upsample;
};
constexpr int kSimtRows = 128, kSimtColumns = 64, kSimtDepth = 16;
constexpr int kSimtThreads = 256;
constexpr int kFewChannelsThreads = 128, kFewOutputsThreads = 256;
