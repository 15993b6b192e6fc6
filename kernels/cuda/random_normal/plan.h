// SPDX-License-Identifier: Apache-2.0
// Standard normals on a GPU.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/cuda/plan.h"

namespace burin::kernels::cuda {

// "random_normal.f32" (kernels/cpu/contracts.h). Slices: {seed, out}. There is
// one text; the count is a constant of the launch.
Result<LaunchPlan> planRandomNormal(std::span<const int64_t> params,
                                    std::span<const SliceInfo> slices,
                                    const Target& target);

} // namespace burin::kernels::cuda
