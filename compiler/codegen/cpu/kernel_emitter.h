// SPDX-License-Identifier: Apache-2.0
// Turns one kernel, a function of linalg generics on tensors, into a function
// on memory with the calling convention of kernels/catalog.h.
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace burin {

// Emits at `builder` an llvm.func of the same name: a LaunchFn, or an
// EpilogueFn where `kernel` is marked as one. Work items are the rows of
// row_form.h. Diagnoses what it cannot emit.
mlir::FailureOr<mlir::LLVM::LLVMFuncOp> emitKernel(mlir::OpBuilder& builder,
                                                   mlir::func::FuncOp kernel);

} // namespace burin
