// SPDX-License-Identifier: Apache-2.0
// The passes, in the order in which the pipeline runs them.
#ifndef BURIN_PASSES
#define BURIN_PASSES

include "mlir/Pass/PassBase.td"

def Differentiate : Pass<"burin-differentiate", "::mlir::func::FuncOp"> {
  let summary = "Replaces gradients by the ops that compute them";
  let description = [{
    Asks each op between a loss and what it is differentiated with respect to
    for its vector-Jacobian product, last op first. Equal ops are merged
    before, so that a parameter named twice is one value. Locations are those
    of the ops differentiated, with ".grad".
  }];
}

def DecomposeComposites : Pass<"burin-decompose-composites",
                               "::mlir::func::FuncOp"> {
  let summary = "Rewrites composite ops into the ops they are made of";
  let description = [{
    A composite that the target has a kernel for stays.
  }];
  let options = [Option<"target", "target", "std::string", "",
                        "What the code is for: \"\" or \"sm_90a\"">];
}

def HoistInvariants : Pass<"burin-hoist-invariants", "::mlir::ModuleOp"> {
  let summary = "Splits what depends on invariant arguments alone into a "
                "function that runs once";
  let dependentDialects = ["::mlir::func::FuncDialect"];
}

def FoldShortcuts : Pass<"burin-fold-shortcuts", "::mlir::func::FuncOp"> {
  let summary = "Makes one contraction of a convolution and its shortcut";
  let description = [{
    Only where the target has a kernel for the whole, which reads both inputs
    and sums both products in float32.
  }];
  let options = [Option<"target", "target", "std::string", "",
                        "What the code is for: \"\" or \"sm_90a\"">];
}

def MergeLinears : Pass<"burin-merge-linears", "::mlir::func::FuncOp"> {
  let summary = "Makes one linear layer of those that read one value";
}

def SinkSlices : Pass<"burin-sink-slices", "::mlir::func::FuncOp"> {
  let summary = "Takes windows before elementwise ops instead of after them";
  let dependentDialects = ["::mlir::linalg::LinalgDialect",
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
    "::mlir::tensor::TensorDialect"];
}

def Recompute : Pass<"burin-recompute", "::mlir::func::FuncOp"> {
  let summary = "Computes values again rather than keeping them";
  let description = [{
    Acts on functions with a `burin.memory_budget` that their arguments,
    results and arena together exceed. Which values are kept, and when, is
    asked of the memory plan that the function would get as it is; of the
    buffers that lie unread while the plan is over the budget, those go first
    that free most for the least work. What is still needed of them later is
    computed again, by copies of their ops before the next reader, from values
    that are there. A budget that cannot be met is an error that says by how
    much.
  }];
  let options = [Option<"gpu", "gpu", "bool", "false",
                        "Regions are formed for a GPU">];
  let dependentDialects = ["::mlir::linalg::LinalgDialect",
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
    "::mlir::tensor::TensorDialect"];
}

def FormRegions : Pass<"burin-form-regions", "::mlir::func::FuncOp"> {
  let summary = "Groups ops into regions that run as one step each";
  let description = [{
    A contraction takes the chain of elementwise ops that alone uses its
    result; other generated ops join when they visit the same rows, and
    elementwise ones that are independent meet in the op that reads them all;
    what is left is a library call. Ops that only move data stay outside: the
    memory plan turns them into windows where it can. With `gpu`, both halves
    of a contraction's columns may meet in its epilogue (GEGLU), what is small
    beside its readers is computed by each of them rather than by a step, and
    independent ops that reduce their rows meet too.
  }];
  let options = [Option<"gpu", "gpu", "bool", "false",
                        "Form the regions that a GPU runs best">];
  let dependentDialects = ["::mlir::linalg::LinalgDialect",
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
    "::mlir::tensor::TensorDialect"];
}

def OutlineKernels : Pass<"burin-outline-kernels", "::mlir::ModuleOp"> {
  let summary = "Moves generated code into functions, one for equal regions";
  let dependentDialects = ["::mlir::func::FuncDialect"];
}

def LowerKernels : Pass<"burin-lower-kernels", "::mlir::func::FuncOp"> {
  let summary = "Lowers a kernel's ops to linalg and fuses them";
  let dependentDialects = ["::mlir::linalg::LinalgDialect",
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
    "::mlir::tensor::TensorDialect"];
}

def EmitLoops : Pass<"burin-emit-loops", "::mlir::ModuleOp"> {
  let summary = "Turns kernels of linalg ops into loops over rows in memory";
  let dependentDialects = ["::mlir::LLVM::LLVMDialect",
    "::mlir::arith::ArithDialect"];
}

def ExpandMath : Pass<"burin-expand-math", "::mlir::ModuleOp"> {
  let summary = "Replaces transcendental functions by polynomials";
  let description = [{
    Straight-line float32 code, so that the loop around it vectorises. Worst
    errors, over all float32 inputs, are in expand_math.cpp.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
    "::mlir::math::MathDialect"];
}

#endif // BURIN_PASSES
