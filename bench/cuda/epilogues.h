// SPDX-License-Identifier: Apache-2.0
// What follows a kernel in the networks, as the compiler prints it, bf16.
#pragma once

#include <cstdint>

#include "kernels/cuda/plan.h"

namespace burin::bench {

enum class Epilogue {
  kStore,    // out = x                  slices {out}
  kSilu,     // out = silu(x)            slices {out}
  kBias,     // out = x + bias           slices {out, bias}
  kResidual, // out = x + bias + r       slices {out, bias, r}
  kGate,     // out = x * gelu(gate), of sums with their biases
             //                          slices {out, bias of both halves}
};

// `outputs` are the columns of the result.
kernels::cuda::EpilogueText epilogueText(Epilogue epilogue, int64_t outputs);

} // namespace burin::bench
