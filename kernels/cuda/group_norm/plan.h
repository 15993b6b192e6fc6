// SPDX-License-Identifier: Apache-2.0
// GroupNorm on a GPU; parameters are those of "group_affine"
// (kernels/cpu/contracts.h).
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "kernels/cuda/plan.h"

namespace burin::kernels::cuda {

// The two factors alone, "group_affine.*". Slices: {x, gamma, beta, scale,
// shift}. Clusters have up to 16 blocks on sm_90.
Result<LaunchPlan> planGroupAffine(std::span<const int64_t> params,
                                   std::span<const SliceInfo> slices,
                                   const Target& target);

// Statistics and application: `apply` alone, or after `moments`, with
// `momentsBytes` of work space between them.
struct GroupNormPlans {
  std::optional<LaunchPlan> moments; // slices {x, work}
  int64_t momentsBytes = 0;
  LaunchPlan apply; // {x, gamma, beta}, {work} if there is, the epilogue's
};

// `slices` are {x, gamma, beta} and then those of the epilogue, which gets
// x * scale + shift in float32 for 8 channels of a row of x, each once; its
// kOutputs is the number of channels, and it is not gated. Fails with
// kUnimplemented, which leaves planGroupAffine and a map over the elements,
// where channels do not come in eights, rows of x are not 16-byte aligned, or
// a group has more channels than a block has threads for.
//
// One launch reads x once. It is not taken where
//   there are no clusters of blocks (before sm_90),
//   a large picture would be read in pieces shorter than 64 bytes,
//   or a group's pixels do not fit the shared memory of 16 blocks (3.5 MiB).
// More than 8 blocks are taken only where 8 do not hold them.
Result<GroupNormPlans> planGroupNorm(std::span<const int64_t> params,
                                     std::span<const SliceInfo> slices,
                                     const EpilogueText& epilogue,
                                     const Target& target);

} // namespace burin::kernels::cuda
