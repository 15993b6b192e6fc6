// SPDX-License-Identifier: Apache-2.0
// The epilogue of a contraction as the functor that kernels/cuda/plan.h
// (EpilogueText) describes.
#pragma once

#include "kernels/cuda/plan.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace burin {

// `kernel` is lowered: its first argument, or its first two if it is gated,
// are float32 tiles, the others and the results are `slices`.
mlir::FailureOr<kernels::cuda::EpilogueText>
printEpilogue(mlir::func::FuncOp kernel,
              llvm::ArrayRef<kernels::cuda::SliceInfo> slices);

} // namespace burin
