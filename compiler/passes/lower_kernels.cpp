// SPDX-License-Identifier: Apache-2.0
// Lowers the ops of a kernel to linalg and fuses elementwise neighbours, so
// that values between them stay in registers.
#include "compiler/dialect/dialect.h"
#include "compiler/passes/kernels.h"
#include "compiler/passes/passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace burin {

#define GEN_PASS_DEF_LOWERKERNELS
#include "compiler/passes/passes.h.inc"

namespace {

// Widening a number that was just narrowed gives it back: inside a kernel
// values keep float32.
struct KeepPrecision : OpRewritePattern<arith::ExtFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::ExtFOp op,
                                PatternRewriter& rewriter) const override {
    auto narrowing = op.getIn().getDefiningOp<arith::TruncFOp>();
    if (!narrowing || narrowing.getIn().getType() != op.getType())
      return rewriter.notifyMatchFailure(op, "no narrowing to undo");
    rewriter.replaceOp(op, narrowing.getIn());
    return success();
  }
};

class LowerKernels : public impl::LowerKernelsBase<LowerKernels> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal())
      return;
    if (failed(lowerOps(function)))
      return signalPassFailure();
    if (function->hasAttr(kEpilogueAttr))
      takeTileInFloat32(function, 0);
    if (function->hasAttr(kGatedAttr))
      takeTileInFloat32(function, 1);
    RewritePatternSet patterns(&getContext());
    // An epilogue computes a value again for each of its uses: its tile is in
    // registers, and both halves of a gate need the same chain.
    bool epilogue = function->hasAttr(kEpilogueAttr);
    linalg::populateElementwiseOpsFusionPatterns(
        patterns, [=](OpOperand* operand) {
          return epilogue || operand->get().hasOneUse();
        });
    patterns.add<KeepPrecision>(&getContext());
    linalg::GenericOp::getCanonicalizationPatterns(patterns, &getContext());
    if (failed(applyPatternsGreedily(function, std::move(patterns))))
      return signalPassFailure();
    IRRewriter rewriter(&getContext());
    DominanceInfo dominance(function);
    eliminateCommonSubExpressions(rewriter, dominance, function);
    // Last, for a copy is what the simplifications above take away.
    copyReturnedArguments(function);
  }

  LogicalResult lowerOps(func::FuncOp function) {
    Block& block = function.getBody().front();
    for (Operation& op : llvm::make_early_inc_range(block)) {
      auto lowerable = dyn_cast<Lowerable>(op);
      if (!lowerable)
        continue;
      OpBuilder builder(&op);
      FailureOr<SmallVector<Value>> values = lowerable.lower(builder);
      if (failed(values))
        return op.emitOpError("did not lower to linalg");
      op.replaceAllUsesWith(*values);
      op.erase();
    }
    return success();
  }

  // The library hands out float32 tiles whatever the contraction's type is.
  void takeTileInFloat32(func::FuncOp function, unsigned index) {
    BlockArgument tile = function.getArgument(index);
    auto type = cast<RankedTensorType>(tile.getType());
    if (type.getElementType().isF32())
      return;
    OpBuilder builder = OpBuilder::atBlockBegin(tile.getOwner());
    tile.setType(RankedTensorType::get(type.getShape(), builder.getF32Type()));
    Value narrow = copyOf(builder, tile, type);
    tile.replaceAllUsesExcept(narrow, narrow.getDefiningOp());
    function.setType(FunctionType::get(
        &getContext(), function.getBody().front().getArgumentTypes(),
        function.getResultTypes()));
  }

  // A kernel writes its results; what it merely passes on it must copy.
  void copyReturnedArguments(func::FuncOp function) {
    Operation* end = function.getBody().front().getTerminator();
    OpBuilder builder(end);
    llvm::SmallDenseSet<Value> seen;
    for (OpOperand& operand : end->getOpOperands()) {
      bool repeated = !seen.insert(operand.get()).second;
      if (repeated || !operand.get().getDefiningOp<linalg::LinalgOp>())
        operand.set(copyOf(builder, operand.get(),
                           cast<RankedTensorType>(operand.get().getType())));
    }
  }

  Value copyOf(OpBuilder& builder, Value source, RankedTensorType type) {
    Location loc = source.getLoc();
    Value empty = tensor::EmptyOp::create(builder, loc, type.getShape(),
                                          type.getElementType());
    auto identity = builder.getMultiDimIdentityMap(type.getRank());
    SmallVector<utils::IteratorType> loops(type.getRank(),
                                           utils::IteratorType::parallel);
    auto body = [&](OpBuilder& b, Location at, ValueRange values) {
      Value value = values[0];
      if (value.getType() != type.getElementType())
        value = arith::TruncFOp::create(b, at, type.getElementType(), value);
      linalg::YieldOp::create(b, at, value);
    };
    return linalg::GenericOp::create(builder, loc, TypeRange(type),
                                     ValueRange(source), ValueRange(empty),
                                     {identity, identity}, loops, body)
        .getResult(0);
  }
};

} // namespace
} // namespace burin
