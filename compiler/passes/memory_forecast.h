// SPDX-License-Identifier: Apache-2.0
// What memory a function of burin ops would take if it were compiled as it is.
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <vector>

namespace burin {

// A buffer of the arena.
struct ForecastBuffer {
  int64_t bytes = 0;
  std::vector<int64_t> uses; // steps that write or read it, ascending
  // The function's values that lie in it, whole or as windows, in the order of
  // their ops.
  std::vector<mlir::Value> values;
};

struct MemoryForecast {
  int64_t arena = 0; // bytes, with what the placement wastes
  std::vector<ForecastBuffer> buffers;
  std::vector<int64_t> live;             // bytes in each step
  std::vector<mlir::Operation*> lastOps; // of each step, in the block
  // The values in memory: their buffer, or -1 outside the arena.
  llvm::DenseMap<mlir::Value, int64_t> bufferOf;
  // The step that runs an op; an op that several run has the last of them.
  llvm::DenseMap<mlir::Operation*, int64_t> stepOf;
};

// Forms regions of a copy of `function` and places their buffers; what a device
// adds for itself (packed weights, scratch) is not in it.
mlir::FailureOr<MemoryForecast> forecastMemory(mlir::func::FuncOp function,
                                               bool gpu);

} // namespace burin
