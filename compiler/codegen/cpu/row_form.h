// SPDX-License-Identifier: Apache-2.0
// How generated code may visit an op: the rows its linalg form runs over.
//
// A row is everything at one position of the leading extents. Ops over the
// same rows run one after another, row by row, while the row is in the
// nearest cache; that is what makes them one kernel.
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace burin {

// True where the first results of `map` are its first dimensions, or zero where
// those extend over one: the operand is read, or written, at the row being
// computed and nowhere else.
bool isRowAligned(mlir::AffineMap map, mlir::ArrayRef<int64_t> rows);

// The longest list of leading extents that every linalg op of `function` runs
// over in parallel, writing only its own row.
llvm::SmallVector<int64_t> rowExtents(mlir::func::FuncOp function);

struct RowForm {
  llvm::SmallVector<int64_t> rows;
  // Operand i is read at the current row alone, so that the op which computes
  // it may run in the same kernel.
  llvm::SmallVector<bool> aligned;
  // One generic, all parallel, writing its whole result in order: it can
  // finish the tiles of a contraction.
  bool elementwise = false;
};

// Lowers a copy of `op`, which is Lowerable, and looks.
mlir::FailureOr<RowForm> rowForm(mlir::Operation* op);

} // namespace burin
