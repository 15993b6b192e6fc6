// SPDX-License-Identifier: Apache-2.0
// Rewrites composite ops until none is left.
#include "compiler/codegen/cuda/cuda_target.h"
#include "compiler/dialect/dialect.h"
#include "compiler/passes/passes.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace burin {

#define GEN_PASS_DEF_DECOMPOSECOMPOSITES
#include "compiler/passes/passes.h.inc"

namespace {

using Gpu = std::optional<kernels::cuda::Target>;

struct Decompose : OpInterfaceRewritePattern<Decomposable> {
  Decompose(MLIRContext* context, const Gpu& gpu)
      : OpInterfaceRewritePattern(context), gpu(gpu) {}

  LogicalResult matchAndRewrite(Decomposable op,
                                PatternRewriter& rewriter) const override {
    if (gpu && hasCudaKernel(op, *gpu))
      return rewriter.notifyMatchFailure(op, "the target has a kernel for it");
    FailureOr<SmallVector<Value>> values = op.decompose(rewriter);
    if (failed(values))
      return rewriter.notifyMatchFailure(op, "has no decomposition here");
    rewriter.replaceOp(op, *values);
    return success();
  }

  const Gpu& gpu;
};

struct DecomposeComposites
    : impl::DecomposeCompositesBase<DecomposeComposites> {
  using DecomposeCompositesBase::DecomposeCompositesBase;

  void runOnOperation() override {
    Gpu gpu = cudaTarget(target);
    RewritePatternSet patterns(&getContext());
    patterns.add<Decompose>(&getContext(), gpu);
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
