// SPDX-License-Identifier: Apache-2.0
// Which card code is made for, and what it has kernels for.
#pragma once

#include "compiler/plan/arena.h"
#include "kernels/cuda/plan.h"

#include "mlir/IR/Operation.h"

#include <optional>

namespace burin {

// The target of that name ("sm_90a"), or nothing.
std::optional<kernels::cuda::Target> cudaTarget(llvm::StringRef name);

// Whether a GPU has one kernel for this composite op, so that it is not taken
// apart.
bool hasCudaKernel(mlir::Operation* op, const kernels::cuda::Target& target);

// Buffers begin at multiples of this on every device.
inline constexpr int64_t kBaseAlignment = kArenaAlignment;

// "contract" of "contract.bf16".
inline llvm::StringRef familyOf(llvm::StringRef kernel) {
  return kernel.split('.').first;
}

} // namespace burin
