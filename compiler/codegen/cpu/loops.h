// SPDX-License-Identifier: Apache-2.0
// Small pieces of LLVM-dialect code: constants, addresses, counted loops.
#pragma once

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace burin {

class LoopEmitter {
public:
  LoopEmitter(mlir::OpBuilder& builder, mlir::Location loc)
      : b(builder), loc(loc) {}

  mlir::Value constant(int64_t value);
  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value mul(mlir::Value x, mlir::Value y);
  mlir::Value floorDiv(mlir::Value x, int64_t divisor);
  mlir::Value mod(mlir::Value x, int64_t divisor);
  // The value of `expr`, whose dimensions are nonnegative.
  mlir::Value evaluate(mlir::AffineExpr expr, mlir::ValueRange dims);

  // How an element lies in memory: as itself, but a bool as a byte, and bf16 as
  // bits, because LLVM chooses between two of that type by calling a library.
  mlir::Type memoryType(mlir::Type element);
  mlir::Value address(mlir::Value base, mlir::Type element, mlir::Value index);

  using Body = llvm::function_ref<llvm::SmallVector<mlir::Value>(
      mlir::Value index, mlir::ValueRange carried)>;
  // for (index = lower; index < upper; ++index) carried = body(index, carried).
  // Accesses in `parallel`, if given, depend on no other iteration.
  llvm::SmallVector<mlir::Value>
  loop(mlir::Value lower, mlir::Value upper, mlir::ValueRange initial,
       Body body, mlir::LLVM::AccessGroupAttr parallel = {});

  mlir::OpBuilder& b;
  mlir::Location loc;
};

} // namespace burin
