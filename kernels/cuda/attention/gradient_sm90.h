// SPDX-License-Identifier: Apache-2.0
// Plans of gradient_sm90.cuh; gradient.h is what others use.
#pragma once

#include <optional>

#include "kernels/cuda/attention/gradient.h"
#include "kernels/cuda/attention/shape.h"

namespace burin::kernels::cuda {

// How gradient_sm90.cuh divides the work of a step.
struct AttentionGradientConfig {
  int tokens; // that pass at a time
  int groups; // warpgroups of 64 tokens that stay
  int stages; // of the ring of those that pass
  bool held;  // what stays lies in registers
};

// For heads of `width` columns, a multiple of 8 up to 160; nothing for others,
// which only gradient_simt.cuh serves.
std::optional<AttentionGradientConfig>
attentionGradientConfig(AttentionGradientStep step, int64_t width);

// Whether gradient_sm90.cuh can serve a step.
bool servesGradientSm90(AttentionGradientStep step, const AttentionShape& shape,
                        std::span<const SliceInfo> slices,
                        const Target& target);

// Precondition: servesGradientSm90().
Result<LaunchPlan> planGradientSm90(AttentionGradientStep step,
                                    const AttentionShape& shape,
                                    std::span<const SliceInfo> slices,
                                    const AttentionGradientConfig& config);

} // namespace burin::kernels::cuda
