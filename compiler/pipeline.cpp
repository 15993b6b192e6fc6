// SPDX-License-Identifier: Apache-2.0
// Orders the passes and says why each stands where it does.
#include "compiler/pipeline.h"

#include "compiler/passes/passes.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace burin {

void buildGraphPipeline(OpPassManager& manager) {
  OpPassManager& function = manager.nest<func::FuncOp>();
  function.addPass(createDecomposeComposites());
  // Folds what decomposition left and lets convolutions take upsampling in.
  function.addPass(createCanonicalizerPass());
  function.addPass(createCSEPass());
  // Before regions form: an invariant must not be fused into a step.
  manager.addPass(createHoistInvariants());
  manager.addNestedPass<func::FuncOp>(createFormRegions());
}

void buildKernelPipeline(OpPassManager& manager) {
  manager.addPass(createOutlineKernels());
  OpPassManager& kernels = manager.nest<ModuleOp>();
  kernels.addNestedPass<func::FuncOp>(createLowerKernels());
  kernels.addPass(createEmitLoops());
  kernels.addPass(createExpandMath());
  // After math, whose expansions work on float32; LLVM's own conversions of
  // bfloat16 are calls, which would keep a loop from being vectorised.
  arith::ArithExpandOpsPassOptions narrow;
  narrow.includeBf16 = true;
  kernels.addPass(arith::createArithExpandOpsPass(narrow));
  kernels.addPass(createConvertMathToLLVMPass());
  kernels.addPass(createArithToLLVMConversionPass());
  kernels.addPass(createReconcileUnrealizedCastsPass());
}

} // namespace burin
