// SPDX-License-Identifier: Apache-2.0
// Launches of the gradient of a contraction's weights ("weight_gradient" in
// kernels/cpu/contracts.h says what is computed).
//
// bf16 and f16 on sm_90a run weight_gradient_sm90.cuh, everything else
// weight_gradient_simt.cuh. Pixels are many and weights few, so that the pixels
// are cut into parts, whose sums a further step adds up in their order: results
// repeat bit for bit.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kernels/cuda/plan.h"

namespace burin::kernels::cuda {

// For tuning and measuring; the defaults leave the choice to tiles.h.
struct WeightGradientOptions {
  std::string tile; // one of weightGradientTiles()
  // Into which the pixels of a tile are cut; 0: all tiles together into one
  // range of pixels for each multiprocessor.
  std::optional<int64_t> parts;
};

// Names such as "128x256": 128 outputs by 256 (channel, tap).
std::vector<std::string> weightGradientTiles();

// A launch on slices numbered 0 x, 1 dy, 2 dW, and from 3 on the buffers.
struct WeightGradientStep {
  LaunchPlan launch;
  std::vector<uint32_t> slices;
};
constexpr uint32_t kWeightGradientBuffers = 3;

struct WeightGradientPlan {
  std::vector<WeightGradientStep> steps; // one after another
  std::vector<int64_t> bufferBytes;      // seen as u8
};

// `params` are those of "contract" (ContractParam), `slices` {x, dy, dW}.
Result<WeightGradientPlan>
planWeightGradient(std::span<const int64_t> params,
                   std::span<const SliceInfo> slices, const Target& target,
                   const WeightGradientOptions& options = {});

} // namespace burin::kernels::cuda
