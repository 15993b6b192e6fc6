// SPDX-License-Identifier: Apache-2.0
// Replaces each kernel by its loops.
#include "compiler/codegen/cpu/kernel_emitter.h"
#include "compiler/passes/passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace burin {

#define GEN_PASS_DEF_EMITLOOPS
#include "compiler/passes/passes.h.inc"

namespace {

struct EmitLoops : impl::EmitLoopsBase<EmitLoops> {
  void runOnOperation() override {
    for (auto kernel :
         llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>())) {
      if (kernel.isExternal())
        continue;
      OpBuilder builder(kernel);
      if (failed(emitKernel(builder, kernel)))
        return signalPassFailure();
      kernel.erase();
    }
  }
};

} // namespace
} // namespace burin
