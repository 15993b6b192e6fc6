// SPDX-License-Identifier: Apache-2.0
// Kernels of generated code: elementwise regions and regions that reduce
// within rows (normalisations, softmax), as CUDA C++.
#pragma once

#include "kernels/cuda/plan.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace burin {

// `kernel` is lowered to linalg; `slices` are its arguments, then its results.
mlir::FailureOr<kernels::cuda::LaunchPlan>
planRows(mlir::func::FuncOp kernel,
         llvm::ArrayRef<kernels::cuda::SliceInfo> slices);

} // namespace burin
