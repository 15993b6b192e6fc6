// SPDX-License-Identifier: Apache-2.0
// The geometry of a weight gradient: how dW = dY^T X is cut into tiles and
// parts, where sums of parts lie, and what a step reads. Shared by the
// kernels, by the plans that launch them and by the tests that hold both to
// plain loops.
#pragma once

#ifdef __CUDACC__
#define BURIN_DEVICE __device__ __forceinline__
#else
#define BURIN_DEVICE inline
#endif

// Operands are read in pieces of 64 channels by 64 pixels: 128 bytes, the
// width of the swizzle, by the pixels of a step.
constexpr int kPiece = 64;
constexpr int kStepPixels = 64;
constexpr int kPieceBytes = kPiece * kStepPixels * 2;
// Columns that the threads of a quad hold of one instruction's group.
constexpr int kOctet = 8;

// A tile: blocks of 64 rows by columns. Either outputs are the rows and
// (channel, tap) the columns, or, with inputRows, the other way round.
// (channel, tap) goes by pieces of 64 channels of one tap, taps first.
struct GradientTiling {
  int blocks, columns;
  bool inputRows;
};

// Constants of a launch. A step is one box of pixels. Under an input that is
// enlarged twice a 3x3 kernel meets 2x2 elements of it, others in each of four
// phases (output row mod 2, column mod 2): then pixels are those of a phase,
// there are sums for every phase and element, and a tap's gradient is the sum
// of those that it meets.
struct GradientShape {
  int outputs, channels;
  int taps, kernelWidth; // of a phase
  int phases;            // 1 or 4
  int stride, padTop, padLeft;
  int boxN, boxH, boxW; // kStepPixels together
  int boxesH, boxesW;   // of an image
  int steps;
  int rowTiles, columnTiles;
  int ranges; // into which the steps of all tiles, end to end, are cut
  int parts;  // ranges of each tile, or 0 where ranges cross tiles
  int inputUnit, cotangentUnit; // of a channel in its tensor map
};

// A piece is 64 channels under one tap of a phase.
struct InputPiece {
  int channel, phase, tap;
};
BURIN_DEVICE int inputPieces(const GradientShape& s) {
  return (s.channels + kPiece - 1) / kPiece * s.phases * s.taps;
}
BURIN_DEVICE InputPiece inputPiece(const GradientShape& s, int piece) {
  const int rest = piece / s.taps;
  return {rest / s.phases * kPiece, rest % s.phases, piece % s.taps};
}

// What a CTA does at a time: steps of one tile. A tile has pieces of one phase.
struct GradientUnit {
  int tile;
  int firstOutput, firstPiece; // of the input
  int firstStep, lastStep;     // [first, last)
  int outputs, pieces;         // that exist of the tile
};
BURIN_DEVICE int least(int a, int b) {
  return a < b ? a : b;
}
BURIN_DEVICE int tilesOf(const GradientShape& s) {
  return s.rowTiles * s.columnTiles;
}
// Where a range of steps begins.
BURIN_DEVICE long long rangeBegin(const GradientShape& s, int range) {
  return static_cast<long long>(tilesOf(s)) * s.steps * range / s.ranges;
}
// CTAs that run at once take the same part of all tiles, which reads the same
// pixels; ranges that cross tiles are for pixels that the cache holds.
BURIN_DEVICE int rangeInTurn(const GradientShape& s, int turn) {
  if (s.parts == 0)
    return turn;
  const int tiles = tilesOf(s);
  return turn % tiles * s.parts + turn / tiles;
}
// The unit that begins at step `at` of all tiles in a range that ends at `end`.
BURIN_DEVICE GradientUnit gradientUnit(const GradientShape& s,
                                       const GradientTiling& t, long long at,
                                       long long end) {
  const int tile = static_cast<int>(at / s.steps);
  const long long before = static_cast<long long>(tile) * s.steps;
  const int row = tile % s.rowTiles, column = tile / s.rowTiles;
  const int outputs = t.inputRows ? t.columns : t.blocks * 64;
  const int pieces = t.inputRows ? t.blocks : t.columns / kPiece;
  const int output = (t.inputRows ? column : row) * outputs;
  const int piece = (t.inputRows ? row : column) * pieces;
  const long long last = end - before;
  return {tile,
          output,
          piece,
          static_cast<int>(at - before),
          last < s.steps ? static_cast<int>(last) : s.steps,
          least(outputs, s.outputs - output),
          least(pieces, inputPieces(s) - piece)};
}

// Sums of the units of a tile wait in neighbouring slots, in the order of their
// steps: those of ranges [first, first + count).
struct GradientSlots {
  int first, count;
};
BURIN_DEVICE int slotOf(const GradientShape& s, int range, int tile) {
  return s.parts == 0 ? range + tile : range;
}
// Of step `step` of all tiles; where ranges cross tiles, steps times ranges are
// below 2^31.
BURIN_DEVICE int rangeOf(const GradientShape& s, int step) {
  const unsigned steps = static_cast<unsigned>(tilesOf(s) * s.steps);
  return static_cast<int>((static_cast<unsigned>(step + 1) * s.ranges - 1) /
                          steps);
}
BURIN_DEVICE GradientSlots slotsOf(const GradientShape& s, int tile) {
  if (s.parts > 0)
    return {tile * s.parts, s.parts};
  const int first = rangeOf(s, tile * s.steps);
  const int last = rangeOf(s, (tile + 1) * s.steps - 1);
  return {slotOf(s, first, tile), last - first + 1};
}

// The first pixel of a step.
struct StepBox {
  int n, h, w;
};
BURIN_DEVICE StepBox stepBox(const GradientShape& s, int step) {
  const int row = step / s.boxesW;
  return {row / s.boxesH * s.boxN, row % s.boxesH * s.boxH,
          (step - row * s.boxesW) * s.boxW};
}
BURIN_DEVICE void nextBox(const GradientShape& s, StepBox& b) {
  b.w += s.boxW;
  if (b.w < s.boxesW * s.boxW)
    return;
  b.w = 0;
  b.h += s.boxH;
  if (b.h < s.boxesH * s.boxH)
    return;
  b.h = 0;
  b.n += s.boxN;
}
// Where a box begins: that of dy, and that of x under row ky or column kx of
// the kernel. An enlarged row 2h meets rows h - 1 and h, 2h + 1 meets h and
// h + 1.
BURIN_DEVICE int cotangentRow(const GradientShape& s, int h, int phase) {
  return s.phases == 1 ? h : 2 * h + phase / 2;
}
BURIN_DEVICE int cotangentColumn(const GradientShape& s, int w, int phase) {
  return s.phases == 1 ? w : 2 * w + phase % 2;
}
BURIN_DEVICE int inputRow(const GradientShape& s, int h, int phase, int ky) {
  return s.phases == 1 ? h * s.stride + ky - s.padTop : h + ky + phase / 2 - 1;
}
BURIN_DEVICE int inputColumn(const GradientShape& s, int w, int phase, int kx) {
  return s.phases == 1 ? w * s.stride + kx - s.padLeft : w + kx + phase % 2 - 1;
}
// Which of a phase's 2x2 elements tap (ky, kx) of 3x3 meets.
BURIN_DEVICE int elementMet(int phase, int ky, int kx) {
  return (ky > phase / 2 ? 2 : 0) + (kx > phase % 2 ? 1 : 0);
}

// In a slot, sums are in the order of the threads that hold them: [block of 64
// rows][octet of columns][thread of 128][4], the four being columns 2t and 2t +
// 1 of rows g and g + 8 of a warp's 16 rows, t = lane % 4 and g = lane / 4. The
// index of the first thread's, in quadruples.
BURIN_DEVICE long long sumsAt(const GradientTiling& t, int slot, int block,
                              int octet) {
  return ((static_cast<long long>(slot) * t.blocks + block) *
              (t.columns / kOctet) +
          octet) *
         128;
}
// Where in a tile the sums are for one tap of a phase and, where outputs are
// the rows, outputs from 64 * block and channels from 8 * octet on; else
// channels from 64 * block and outputs from 8 * octet on.
struct SumsPlace {
  int tile, block, octet;
};
BURIN_DEVICE SumsPlace sumsPlace(const GradientShape& s,
                                 const GradientTiling& t, int block, int octet,
                                 int phase, int tap) {
  constexpr int kOctets = kPiece / kOctet;
  const int taps = s.phases * s.taps, at = phase * s.taps + tap;
  if (t.inputRows)
    block = block * taps + at;
  else
    octet = (octet / kOctets * taps + at) * kOctets + octet % kOctets;
  const int octets = t.columns / kOctet;
  return {octet / octets * s.rowTiles + block / t.blocks, block % t.blocks,
          octet % octets};
}

// Constants of widen.cuh: `extent` elements become 8 * vectors.
struct WidenShape {
  int rows, extent, vectors;
};
constexpr int kWidenThreads = 256;

// weight_gradient_simt.cuh: its tile of outputs by (tap, channel), and the
// pixels that it multiplies at a time.
constexpr int kSimtGradientTile = 64, kSimtGradientPixels = 16,
              kSimtGradientThreads = 256;
constexpr int kGradientSumThreads = 256;
struct SimtGradientShape {
  int outputs, channels, taps, kernelHeight, kernelWidth;
  int stride, padTop, padLeft, upsample;
  int height, width, inHeight, inWidth; // of one image
  int pixels;                           // of all
  int parts;
};

// Column n of the product: (tap, channel). ky is -1 past the last.
struct SimtColumn {
  int channel, ky, kx;
};
BURIN_DEVICE SimtColumn simtColumn(const SimtGradientShape& s, int n) {
  const int tap = n / s.channels;
  const int ky = tap < s.taps ? tap / s.kernelWidth : -1;
  return {n - tap * s.channels, ky, tap - ky * s.kernelWidth};
}

// The first row of a pixel's image in x, and what it meets under tap (0, 0).
struct SimtPixel {
  int first, y, x;
};
BURIN_DEVICE SimtPixel simtPixel(const SimtGradientShape& s, int pixel) {
  const int row = pixel / s.width;
  return {row / s.height * s.inHeight * s.inWidth,
          row % s.height * s.stride - s.padTop,
          (pixel - row * s.width) * s.stride - s.padLeft};
}
// The row of x that a pixel meets in a column, or -1 in the padding.
BURIN_DEVICE int simtMeets(const SimtGradientShape& s, const SimtPixel& pixel,
                           const SimtColumn& column) {
  const int y = pixel.y + column.ky, x = pixel.x + column.kx;
  const bool inside = y >= 0 && y < s.inHeight * s.upsample && x >= 0 &&
                      x < s.inWidth * s.upsample;
  return inside ? pixel.first + y / s.upsample * s.inWidth + x / s.upsample
                : -1;
}

// Where dW has an element, if its rows [output, channel, ky] lie `pitch` apart.
BURIN_DEVICE long long simtWeight(const SimtGradientShape& s, int output,
                                  const SimtColumn& column, long long pitch) {
  const long long row =
      (static_cast<long long>(output) * s.channels + column.channel) *
          s.kernelHeight +
      column.ky;
  return row * pitch + column.kx;
}
BURIN_DEVICE int simtPartBegin(const SimtGradientShape& s, int part) {
  return static_cast<int>(static_cast<long long>(s.pixels) * part / s.parts);
}
