// SPDX-License-Identifier: Apache-2.0
// Orders the passes and says why each stands where it does.
#include "compiler/pipeline.h"

#include "compiler/codegen/cuda/cuda_target.h"
#include "compiler/passes/passes.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace burin {

void buildGraphPipeline(OpPassManager& manager, StringRef target) {
  bool gpu = cudaTarget(target).has_value();
  OpPassManager& function = manager.nest<func::FuncOp>();
  // Before anything is rewritten: gradients are of the ops that models write,
  // and whatever comes later treats their ops as any other.
  function.addPass(createDifferentiate());
  function.addPass(createDecomposeComposites({target.str()}));
  // Folds what decomposition left and lets convolutions take upsampling in.
  function.addPass(createCanonicalizerPass());
  function.addPass(createCSEPass());
  // Before regions form: an invariant must not be fused into a step.
  manager.addPass(createHoistInvariants());
  if (gpu) {
    // After convolutions have taken upsampling in.
    manager.addNestedPass<func::FuncOp>(createFoldShortcuts({target.str()}));
    // After hoisting, which tells apart what steps share and what they do not.
    manager.addNestedPass<func::FuncOp>(createMergeLinears());
    // Gates are windows of the product itself after this, which regions know.
    manager.addNestedPass<func::FuncOp>(createSinkSlices());
  }
  // Last of what rewrites the graph: equal ops must not become one again, and
  // which values are kept depends on which are fused.
  manager.addNestedPass<func::FuncOp>(createRecompute({gpu}));
  manager.addNestedPass<func::FuncOp>(createFormRegions({gpu}));
}

void buildKernelPipeline(OpPassManager& manager) {
  manager.addPass(createOutlineKernels());
  manager.nest<ModuleOp>().addNestedPass<func::FuncOp>(createLowerKernels());
}

void buildLoopPipeline(OpPassManager& manager) {
  OpPassManager& kernels = manager.nest<ModuleOp>();
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
