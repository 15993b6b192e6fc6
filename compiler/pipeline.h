// SPDX-License-Identifier: Apache-2.0
// The order of the passes; nothing else orders passes.
#pragma once

#include "mlir/Pass/PassManager.h"

namespace burin {

// Graph ops to regions, for a processor or a GPU ("sm_90a").
void buildGraphPipeline(mlir::OpPassManager& manager, llvm::StringRef target);
// Regions to linalg in the nested module of kernels, which is what code for a
// GPU is printed from.
void buildKernelPipeline(mlir::OpPassManager& manager);
// From there to the LLVM dialect, for processors.
void buildLoopPipeline(mlir::OpPassManager& manager);

} // namespace burin
