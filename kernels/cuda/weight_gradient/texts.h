// SPDX-License-Identifier: Apache-2.0
// The two texts of a weight gradient as steps; plan.h chooses between them.
#pragma once

#include "kernels/cuda/contract/geometry.h"
#include "kernels/cuda/weight_gradient/plan.h"

namespace burin::kernels::cuda {

// For bf16 and f16. Where rows do not lie at multiples of 16 bytes, copies of
// them come first. An input enlarged twice has phases.
Result<WeightGradientPlan>
planWeightGradientSm90(const ContractGeometry& g,
                       std::span<const SliceInfo> slices,
                       const WeightGradientOptions& options);

// For everything, without phases.
Result<WeightGradientPlan>
planWeightGradientSimt(const ContractGeometry& g,
                       std::span<const SliceInfo> slices,
                       const WeightGradientOptions& options);

} // namespace burin::kernels::cuda
