// SPDX-License-Identifier: Apache-2.0
// The order of the passes; nothing else orders passes.
#pragma once

#include "mlir/Pass/PassManager.h"

namespace burin {

// Graph ops to regions.
void buildGraphPipeline(mlir::OpPassManager& manager);
// Regions to the LLVM dialect in the nested module of kernels.
void buildKernelPipeline(mlir::OpPassManager& manager);

} // namespace burin
