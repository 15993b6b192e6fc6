// SPDX-License-Identifier: Apache-2.0
// Asks every op through its interfaces and shows the answer.
#include "tools/burin-opt/op_passes.h"

#include "compiler/dialect/dialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Pass/Pass.h"

using namespace mlir;

namespace burin {
namespace {

struct LowerOps : PassWrapper<LowerOps, OperationPass<>> {
  StringRef getArgument() const final { return "burin-lower-ops"; }
  StringRef getDescription() const final {
    return "Replaces each op by its own decomposition or lowering";
  }
  void getDependentDialects(DialectRegistry& registry) const final {
    registry.insert<arith::ArithDialect, linalg::LinalgDialect,
                    math::MathDialect, tensor::TensorDialect>();
  }

  void runOnOperation() final {
    SmallVector<Operation*> ops;
    getOperation()->walk([&](Operation* op) { ops.push_back(op); });
    for (Operation* op : ops) {
      OpBuilder builder(op);
      FailureOr<SmallVector<Value>> values = failure();
      if (auto composite = dyn_cast<Decomposable>(op))
        values = composite.decompose(builder);
      else if (auto lowerable = dyn_cast<Lowerable>(op))
        values = lowerable.lower(builder);
      else
        continue;
      if (failed(values))
        return signalPassFailure();
      op->replaceAllUsesWith(*values);
      op->erase();
    }
  }
};

struct Explain : PassWrapper<Explain, OperationPass<>> {
  StringRef getArgument() const final { return "burin-explain"; }
  StringRef getDescription() const final {
    return "Remarks the cost and the library call of each op";
  }

  static void describe(Diagnostic& diagnostic, const LibraryCall& call) {
    diagnostic << "; calls " << call.kernel << " [" << call.params << "] on "
               << call.operands.size() << " operands";
    if (call.tiled)
      diagnostic << ", tiled";
    for (const Packing& packing : call.packings)
      diagnostic << ", operand " << packing.operand << " by " << packing.kernel
                 << " [" << packing.params << "] into " << packing.bytes
                 << " bytes";
  }

  void runOnOperation() final {
    getOperation()->walk([&](Costed op) {
      auto backed = dyn_cast<LibraryBacked>(op.getOperation());
      FailureOr<LibraryCall> call = failure();
      if (backed && failed(call = backed.libraryCall()))
        return signalPassFailure();
      Cost cost = op.cost();
      auto remark = op.emitRemark()
                    << cost.flops << " operations, " << cost.bytes << " bytes";
      if (backed)
        describe(*remark.getUnderlyingDiagnostic(), *call);
    });
  }
};

} // namespace

void registerOpPasses() {
  PassRegistration<LowerOps>();
  PassRegistration<Explain>();
}

} // namespace burin
