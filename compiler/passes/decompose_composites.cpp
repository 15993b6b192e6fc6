// SPDX-License-Identifier: Apache-2.0
// Rewrites composite ops until none is left.
#include "compiler/dialect/dialect.h"
#include "compiler/passes/passes.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace burin {

#define GEN_PASS_DEF_DECOMPOSECOMPOSITES
#include "compiler/passes/passes.h.inc"

namespace {

struct Decompose : OpInterfaceRewritePattern<Decomposable> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;

  LogicalResult matchAndRewrite(Decomposable op,
                                PatternRewriter& rewriter) const override {
    FailureOr<SmallVector<Value>> values = op.decompose(rewriter);
    if (failed(values))
      return rewriter.notifyMatchFailure(op, "has no decomposition here");
    rewriter.replaceOp(op, *values);
    return success();
  }
};

struct DecomposeComposites
    : impl::DecomposeCompositesBase<DecomposeComposites> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<Decompose>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    auto left = getOperation().walk([](Decomposable op) {
      if (isa<Lowerable, LibraryBacked>(op.getOperation()))
        return WalkResult::advance();
      op.emitOpError("is composite and was not decomposed");
      return WalkResult::interrupt();
    });
    if (left.wasInterrupted())
      signalPassFailure();
  }
};

} // namespace
} // namespace burin
