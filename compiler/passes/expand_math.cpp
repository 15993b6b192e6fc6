// SPDX-License-Identifier: Apache-2.0
// Runs the expansions of math functions over generated code.
#include "compiler/codegen/cpu/expand_math.h"

#include "compiler/passes/passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace burin {

#define GEN_PASS_DEF_EXPANDMATH
#include "compiler/passes/passes.h.inc"

namespace {

struct ExpandMath : impl::ExpandMathBase<ExpandMath> {
  void runOnOperation() override {
    if (failed(expandMath(getOperation())))
      signalPassFailure();
  }
};

} // namespace
} // namespace burin
