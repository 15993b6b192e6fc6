// SPDX-License-Identifier: Apache-2.0
// The gradients of attention on a GPU: gradient_simt.cuh, for every card and
// type, heads of up to 1024 columns; correct but slow.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/cuda/plan.h"

namespace burin::kernels::cuda {

// What the first kernel leaves to the second.
int64_t attentionStatisticsBytes(std::span<const int64_t> params);

// Two steps, in this order. `params` are AttentionParam of
// kernels/cpu/contracts.h; slices are of one type, rows as of attention, but
// the last, which has attentionStatisticsBytes():
//   {q, k, v, y, dy, dq, statistics}, then {q, k, v, dy, dk, dv, statistics}.
Result<LaunchPlan> planAttentionQueryGradient(std::span<const int64_t> params,
                                              std::span<const SliceInfo> slices,
                                              const Target& target);
Result<LaunchPlan> planAttentionKeyGradient(std::span<const int64_t> params,
                                            std::span<const SliceInfo> slices,
                                            const Target& target);

} // namespace burin::kernels::cuda
