// SPDX-License-Identifier: Apache-2.0
// The epilogue of a contraction as the functor that kernels/cuda/plan.h
// (EpilogueText) describes.
#pragma once

#include "kernels/cuda/plan.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace burin {

// `kernel` is lowered: its first argument is the float32 tile, the others and
// the results are `slices`. Results that are half as wide as the tile make a
// gated epilogue.
mlir::FailureOr<kernels::cuda::EpilogueText>
printEpilogue(mlir::func::FuncOp kernel,
              llvm::ArrayRef<kernels::cuda::SliceInfo> slices);

} // namespace burin
