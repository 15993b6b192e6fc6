// SPDX-License-Identifier: Apache-2.0
// The plain structs that the op interfaces answer with.
#pragma once

#include "mlir/IR/Operation.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>
#include <optional>
#include <string>

namespace burin {

// A constant operand that the kernel wants in another form, made once by the
// module's `prepare` function with library kernel `kernel`, whose slices are
// {source, packed} and whose params are `params`.
struct Packing {
  unsigned operand; // index into LibraryCall::operands
  std::string kernel;
  llvm::SmallVector<int64_t> params;
  int64_t bytes; // of the packed form
};

// How one op becomes a library kernel: slices are `operands` then the results
// (no result slices when `tiled`).
struct LibraryCall {
  std::string kernel;
  llvm::SmallVector<mlir::Value> operands;
  llvm::SmallVector<int64_t> params;
  llvm::SmallVector<Packing> packings;
  bool tiled = false;
};

// Where a window lies on its axis.
struct Window {
  int64_t axis;
  llvm::SmallVector<int64_t> starts;
};

// Least operations and bytes of an op.
struct Cost {
  int64_t flops = 0;
  int64_t bytes = 0;
};

// Bytes of the operands and results of `op`.
int64_t trafficBytes(mlir::Operation* op);
// No operation: the op only moves data.
Cost movementCost(mlir::Operation* op);
// One operation an element of the result.
Cost elementwiseCost(mlir::Operation* op);

} // namespace burin
