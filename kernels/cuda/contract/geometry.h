// SPDX-License-Identifier: Apache-2.0
// What a contraction's parameters mean for its kernels.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "kernels/cuda/contract/tiling.cuh"
#include "kernels/cuda/plan.h"

namespace burin::kernels::cuda {

struct ContractGeometry {
  int64_t batch, height, width; // pixels of one phase
  int64_t inHeight, inWidth;
  int64_t channels, outputs; // outputs: of one gate
  int64_t gates;
  int64_t kernelHeight, kernelWidth; // of one phase
  int64_t stride, padTop, padLeft, upsample;
  int64_t phases; // 4 where an enlarged input is read as it is, else 1
  int64_t shortcutChannels = 0; // of a second input, 0 where there is none

  int64_t taps() const { return kernelHeight * kernelWidth; }
  int64_t chunks() const { return (channels + kChunk - 1) / kChunk; }
  int64_t shortcutChunks() const {
    return (shortcutChannels + kChunk - 1) / kChunk;
  }
  int64_t steps() const { return taps() * chunks() + shortcutChunks(); }
  int64_t paddedOutputs() const {
    return (outputs + kRowGroup - 1) / kRowGroup * kRowGroup;
  }
  int64_t packedRows() const { return phases * gates * paddedOutputs(); }
  int64_t packedColumns() const { return steps() * kChunk; }
};

// Checks `params`, those of "contract" or of "contract_shortcut", and folds
// what can be folded: an input enlarged twice under a 3x3 kernel becomes four
// phases, a 1x1 kernel a product of matrices.
Result<ContractGeometry> contractGeometry(std::span<const int64_t> params,
                                          bool gated);

// The type of elements.cuh for `what`, "input" or "weights".
Result<std::string> elementText(DType dtype, const std::string& what);

// The box of pixels (n, h, w) that makes tiles of `pixels`: the one with the
// fewest tiles.
struct PixelBox {
  int64_t n, h, w;
};
PixelBox pixelBox(const ContractGeometry& g, int64_t pixels);

// Constants of a launch whose tiles are `box` by `tileOutputs` channels.
ContractShape contractShape(const ContractGeometry& g, const PixelBox& box,
                            int64_t tileOutputs, bool pixelsFirst);
SimtShape simtShape(const ContractGeometry& g, const PixelBox& box,
                    int64_t tileOutputs);

} // namespace burin::kernels::cuda
