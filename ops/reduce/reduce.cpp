// SPDX-License-Identifier: Apache-2.0
// Reductions: inference, folding, lowering, gradient and cost.
#include "compiler/dialect/dialect.h"
#include "compiler/dialect/lowering.h"
#include "compiler/dialect/term.h"

#include <limits>

using namespace mlir;

namespace burin {

LogicalResult ReduceOp::inferReturnTypes(MLIRContext*,
                                         std::optional<Location> location,
                                         Adaptor op,
                                         SmallVectorImpl<Type>& types) {
  if (!llvm::is_contained({"sum", "mean", "max"}, op.getKind()))
    return reject<ReduceOp>(location, "has no kind '", op.getKind(), "'");
  auto input = tensorOf(op.getInput());
  SmallVector<int64_t> shape(input.getShape());
  int64_t previous = -1;
  for (int64_t axis : op.getAxes()) {
    if (axis <= previous || axis >= input.getRank())
      return reject<ReduceOp>(location, "axes [", op.getAxes(),
                              "] need to ascend within ", input.getRank());
    previous = axis;
    shape[axis] = 1;
  }
  types.push_back(input.clone(shape));
  return success();
}

OpFoldResult ReduceOp::fold(FoldAdaptor) {
  return getAxes().empty() ? getInput() : Value();
}

FailureOr<SmallVector<Value>> ReduceOp::lower(OpBuilder& builder) {
  auto type = tensorOf(getOutput());
  auto shape = shapeOf(getInput());
  int64_t rank = type.getRank();
  // A loop an axis of the result, so that each element is a row of its own,
  // then one for each folded axis. A last axis of one element has no loop, as
  // in elementwise ops: rows are the same as theirs, and so they meet.
  bool one = rank > 0 && type.getShape().back() == 1;
  int64_t rows = rank - one;
  unsigned folded = rows, loops = rows + getAxes().size();
  SmallVector<AffineExpr> source, target;
  double count = 1;
  for (int64_t axis = 0; axis < rank; ++axis) {
    bool fold = llvm::is_contained(getAxes(), axis);
    target.push_back(axis < rows ? builder.getAffineDimExpr(axis)
                                 : builder.getAffineConstantExpr(0));
    source.push_back(fold ? builder.getAffineDimExpr(folded++) : target.back());
    count *= fold ? shape[axis] : 1;
  }
  Input input{getInput(), AffineMap::get(loops, 0, source, getContext())};
  AffineMap targetMap = AffineMap::get(loops, 0, target, getContext());
  auto wide = computeTensor(type.getShape(), type.getElementType());

  bool isMax = getKind() == "max";
  Value result =
      emitFloatReduction(builder, getLoc(), {wide, targetMap},
                         isMax ? -std::numeric_limits<double>::infinity() : 0,
                         input, [&](ArrayRef<Scalar> x) {
                           return isMax ? max(x[0], x[1]) : x[0] + x[1];
                         });
  bool isMean = getKind() == "mean";
  if (isMean || wide != type)
    result = emitFloatMap(
        builder, getLoc(), type,
        Input{result, builder.getMultiDimIdentityMap(rank)},
        [&](ArrayRef<Scalar> x) { return isMean ? x[0] / count : x[0]; });
  return SmallVector<Value>{result};
}

// sum: dx = g; mean: dx = g / count; max: dx = g, shared among equals.
FailureOr<SmallVector<Value>>
ReduceOp::vjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool>) {
  Term g(builder, getLoc(), cotangents[0]);
  Term x = g.with(getInput());
  if (getKind() == "max") {
    Term largest = 1 - greater(g.with(getOutput()), x);
    Term share = largest / largest.sum(getAxes());
    return SmallVector<Value>{(g * share).as(getInput())};
  }
  if (getKind() == "mean") {
    double count = 1;
    for (int64_t axis : getAxes())
      count *= x.shape()[axis];
    g = g / count;
  }
  return SmallVector<Value>{g.expand(x.shape()).as(getInput())};
}

Cost ReduceOp::cost() {
  return {tensorOf(getInput()).getNumElements(), trafficBytes(*this)};
}

} // namespace burin
