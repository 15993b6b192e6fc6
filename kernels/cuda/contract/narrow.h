// SPDX-License-Identifier: Apache-2.0
// Convolutions at the edges of a network, of few channels or to few outputs,
// which are bound by memory rather than by products: few_channels.cuh and
// few_outputs.cuh. They read the packed form of every contraction.
#pragma once

#include <optional>

#include "kernels/cuda/contract/geometry.h"
#include "kernels/cuda/plan.h"

namespace burin::kernels::cuda {

// Nothing where another kernel has to do it: other types than bf16 and f16,
// enlarged inputs, gates, and
//   more than 8 channels, or 80 products a pixel and output;
std::optional<LaunchPlan> planFewChannels(const ContractGeometry& g,
                                          const SliceInfo& input,
                                          const EpilogueText& epilogue);
//   more than 8 outputs, or 80 taps times outputs, one tap, steps of more
//   than a pixel, channels not in 32s, rows not aligned to 16 bytes.
std::optional<LaunchPlan> planFewOutputs(const ContractGeometry& g,
                                         const SliceInfo& input,
                                         const EpilogueText& epilogue);

} // namespace burin::kernels::cuda
