// SPDX-License-Identifier: Apache-2.0
// Where the tensors of a function lie: which of them are windows of one
// buffer, and what still has to be copied.
#pragma once

#include "compiler/dialect/dialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <optional>
#include <vector>

namespace burin {

enum class Home { kInput, kOutput, kConstant, kState, kArena };

struct Buffer {
  Home home;
  int64_t index;     // among the function's inputs or outputs
  mlir::Value value; // of a constant: the result of its parameter op
  int64_t bytes;
};

// A window onto a buffer: rows of the last extent, `pitch` elements apart.
struct Window2d {
  size_t buffer = 0;
  int64_t offset = 0; // elements
  int64_t pitch = 0;  // elements
  llvm::SmallVector<int64_t> shape;
  mlir::Type element;

  bool operator==(const Window2d& other) const = default;
};

Window2d denseWindow(size_t buffer, mlir::RankedTensorType type);
// `window` seen in another shape of as many elements, where rows allow it.
std::optional<Window2d> reshapeWindow(const Window2d& window,
                                      llvm::ArrayRef<int64_t> shape);
// Elements [start, start + size) of an axis, where that is one window.
std::optional<Window2d> sliceWindow(const Window2d& window, int64_t axis,
                                    int64_t start, int64_t size);
// The parts of that slice that are windows each, in row-major order.
llvm::SmallVector<Window2d> sliceWindows(const Window2d& window, int64_t axis,
                                         int64_t start, int64_t size);

// One thing to run: a region, or a copy between windows of equal shape.
struct PlacedStep {
  RegionOp region; // null for a copy
  Window2d source;
  Window2d target;
  mlir::Operation* op; // the region, or the view or return that copies
};

struct FunctionPlacement {
  std::vector<Buffer> buffers;
  llvm::DenseMap<mlir::Value, Window2d> windows;
  std::vector<PlacedStep> steps;
};

// `function` holds regions, views, parameters and the return.
mlir::FailureOr<FunctionPlacement> placeFunction(mlir::func::FuncOp function);

} // namespace burin
