// SPDX-License-Identifier: Apache-2.0
// Takes windows of what elementwise ops compute from windows of what they
// read:
//
//   slice(add(x, b)) -> add(slice(x), slice(b))
//
// so that both halves of a product are windows of the product itself, and no
// op computes what no one reads. Several windows of rows stay: the op that
// computes them all may finish a product, which the windows could not.
#include "compiler/codegen/cpu/row_form.h"
#include "compiler/dialect/dialect.h"
#include "compiler/passes/passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace burin {

#define GEN_PASS_DEF_SINKSLICES
#include "compiler/passes/passes.h.inc"

namespace {

struct SinkSlice : OpRewritePattern<SliceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(SliceOp slice,
                                PatternRewriter& rewriter) const override {
    Operation* source = slice.getInput().getDefiningOp();
    if (!source || !isa<Lowerable>(source) || isa<Viewing>(source) ||
        source->getNumOperands() == 0 || source->getNumResults() != 1)
      return rewriter.notifyMatchFailure(slice, "reads no elementwise op");
    if (!llvm::all_of(source->getUsers(),
                      [](Operation* user) { return isa<SliceOp>(user); }))
      return rewriter.notifyMatchFailure(slice, "others read the whole");
    FailureOr<RowForm> form = rowForm(source);
    if (failed(form) || !form->elementwise)
      return rewriter.notifyMatchFailure(slice, "reads no elementwise op");
    auto whole = cast<RankedTensorType>(source->getResult(0).getType());
    int64_t fromEnd = whole.getRank() - slice.getAxis();
    if (fromEnd != 1 && !source->hasOneUse())
      return rewriter.notifyMatchFailure(slice, "one step computes all rows");
    IRMapping mapping;
    for (Value operand : source->getOperands()) {
      auto type = cast<RankedTensorType>(operand.getType());
      int64_t axis = type.getRank() - fromEnd;
      // What repeats along the axis is the same everywhere.
      if (axis < 0 || type.getDimSize(axis) == 1)
        continue;
      mapping.map(operand,
                  SliceOp::create(rewriter, slice.getLoc(), operand, axis,
                                  slice.getStart(), slice.getSize())
                      .getResult());
    }
    Operation* part = rewriter.clone(*source, mapping);
    part->getResult(0).setType(slice.getType());
    rewriter.replaceOp(slice, part->getResults());
    return success();
  }
};

struct SinkSlices : impl::SinkSlicesBase<SinkSlices> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<SinkSlice>(&getContext());
    // A round takes windows past one op of a chain, which may be long.
    GreedyRewriteConfig config;
    config.setMaxIterations(GreedyRewriteConfig::kNoLimit);
    if (failed(
            applyPatternsGreedily(getOperation(), std::move(patterns), config)))
      signalPassFailure();
  }
};

} // namespace
} // namespace burin
