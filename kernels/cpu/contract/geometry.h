// SPDX-License-Identifier: Apache-2.0
// The shape of a contraction and how it is cut into work items and pieces.
//
// The cut depends on the shape alone, and every element of the product is
// summed in the same order whatever item it falls into. So results are equal
// bit for bit for any number of threads, and for a sample in any batch.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "kernels/cpu/contracts.h"
#include "kernels/cpu/isa/isa.h"

namespace burin::kernels {

constexpr int64_t divideUp(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}
constexpr int64_t roundUp(int64_t a, int64_t b) {
  return divideUp(a, b) * b;
}

// Rows of an item: each piece of the weights that is fetched is used 32 times,
// and the sums (rows x 64 floats) stay in the second-level cache.
inline constexpr int64_t kRowBlock = 32 * kTileRows;
// Steps of the inner dimension between visits to the sums: a piece of a panel
// is 128 x 64 floats, 32 KiB, and stays in a 48 KiB first-level cache beside
// the rows that pass by.
inline constexpr int64_t kDepthBlock = 128;
// With fewer channels the taps of a row are first copied side by side.
inline constexpr int64_t kFewChannels = 32;

struct Geometry {
  int64_t batch, outHeight, outWidth, inHeight, inWidth, channels;
  int64_t kernelHeight, kernelWidth, stride, padTop, padLeft, upsample;
  int64_t outChannels;

  explicit Geometry(std::span<const int64_t> p)
      : batch(p[kContractBatch]), outHeight(p[kContractOutHeight]),
        outWidth(p[kContractOutWidth]), inHeight(p[kContractInHeight]),
        inWidth(p[kContractInWidth]), channels(p[kContractChannels]),
        kernelHeight(p[kContractKernelHeight]),
        kernelWidth(p[kContractKernelWidth]), stride(p[kContractStride]),
        padTop(p[kContractPadTop]), padLeft(p[kContractPadLeft]),
        upsample(p[kContractUpsample]), outChannels(p[kContractOutChannels]) {}

  // The 2x2 convolution that phase (phase / 2, phase % 2) of a folded one is:
  // its output row (image, y, x) is row (image, 2 y + phase / 2, 2 x + phase %
  // 2) of the whole.
  Geometry foldedPhase(int64_t phase) const {
    Geometry g = *this;
    g.outHeight = inHeight;
    g.outWidth = inWidth;
    g.kernelHeight = g.kernelWidth = 2;
    g.padTop = 1 - phase / 2;
    g.padLeft = 1 - phase % 2;
    g.upsample = 1;
    return g;
  }

  int64_t rows() const { return batch * outHeight * outWidth; }
  int64_t taps() const { return kernelHeight * kernelWidth; }

  int64_t panels() const { return divideUp(outChannels, kPanelColumns); }
  // Columns of a panel in memory, zeros included.
  int64_t panelColumns(int64_t panel) const {
    const int64_t left = outChannels - panel * kPanelColumns;
    return std::min(kPanelColumns, roundUp(left, kPanelGranule));
  }

  // Rows of every item but the last one.
  int64_t rowBlock() const {
    const int64_t blocks = divideUp(rows(), kRowBlock);
    return roundUp(divideUp(rows(), blocks), kTileRows);
  }
  int64_t rowBlocks() const { return divideUp(rows(), rowBlock()); }

  // Steps that a panel holds for each tap, and the pieces they are cut into.
  int64_t run(DType dtype) const {
    return dtype == DType::kBF16 ? roundUp(channels, 2) : channels;
  }
  int64_t depth(DType dtype) const { return taps() * run(dtype); }
  int64_t piece(DType dtype) const {
    const int64_t pieces = divideUp(depth(dtype), kDepthBlock);
    return roundUp(divideUp(depth(dtype), pieces), 2);
  }
};

} // namespace burin::kernels
