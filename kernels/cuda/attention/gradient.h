// SPDX-License-Identifier: Apache-2.0
// The gradients of attention on a GPU, in two steps.
//
// On sm_90a, for bf16 and f16, without a causal mask, heads of a multiple of 8
// columns up to 160, bases and pitches of whole 16 bytes and a scale that is
// positive and moderate: gradient_sm90.cuh. Everything else, up to 1024
// columns: gradient_simt.cuh, correct but slow.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/cuda/plan.h"

namespace burin::kernels::cuda {

// kQueries has slices {q, k, v, y, dy, dq, statistics} and writes dq and the
// statistics; kKeys, after it, {q, k, v, dy, dk, dv, statistics}, and writes dk
// and dv.
enum class AttentionGradientStep { kQueries, kKeys };

// What the first step leaves to the second.
int64_t attentionStatisticsBytes(std::span<const int64_t> params);

// `params` are AttentionParam of kernels/cpu/contracts.h; slices are of one
// type, rows as of attention, but the last, which has
// attentionStatisticsBytes().
Result<LaunchPlan> planAttentionGradient(AttentionGradientStep step,
                                         std::span<const int64_t> params,
                                         std::span<const SliceInfo> slices,
                                         const Target& target);

} // namespace burin::kernels::cuda
