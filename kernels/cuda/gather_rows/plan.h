// SPDX-License-Identifier: Apache-2.0
// Rows of a table by index on a GPU.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/cuda/plan.h"

namespace burin::kernels::cuda {

// "gather_rows" (kernels/cpu/contracts.h). Slices: {table, index, out}. The
// text depends on the width of indices, on the rows' alignment and roughly on
// their length; all sizes are constants of the launch.
Result<LaunchPlan> planGatherRows(std::span<const int64_t> params,
                                  std::span<const SliceInfo> slices,
                                  const Target& target);

} // namespace burin::kernels::cuda
