// SPDX-License-Identifier: Apache-2.0
// GroupNorm on a GPU; parameters are those of "group_affine"
// (kernels/cpu/contracts.h).
#pragma once

#include <cstdint>
#include <span>

#include "kernels/cuda/plan.h"

namespace burin::kernels::cuda {

// The two factors alone, "group_affine.*". Slices: {x, gamma, beta, scale,
// shift}. Clusters have up to 16 blocks on sm_90.
Result<LaunchPlan> planGroupAffine(std::span<const int64_t> params,
                                   std::span<const SliceInfo> slices,
                                   const Target& target);

// Statistics and application with one read of x. `slices` are {x, gamma,
// beta} and then those of the epilogue, which gets x * scale + shift in
// float32 for 8 channels of a row of x, each once; its kOutputs is the number
// of channels, and it is not gated. Fails with kUnimplemented, which leaves
// planGroupAffine and a map over the elements, where
//   there are no clusters of blocks (before sm_90),
//   channels do not come in eights, or rows of x are not 16-byte aligned,
//   a large picture would be read in pieces shorter than 64 bytes,
//   or a group's pixels do not fit the shared memory of 16 blocks (3.5 MiB).
// More than 8 blocks are taken only where 8 do not hold them.
Result<LaunchPlan> planGroupNorm(std::span<const int64_t> params,
                                 std::span<const SliceInfo> slices,
                                 const EpilogueText& epilogue,
                                 const Target& target);

} // namespace burin::kernels::cuda
