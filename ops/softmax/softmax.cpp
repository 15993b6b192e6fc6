// SPDX-License-Identifier: Apache-2.0
// Softmax: inference, lowering in passes over each row, gradient and cost.
#include "compiler/dialect/dialect.h"
#include "compiler/dialect/lowering.h"
#include "compiler/dialect/term.h"

#include <limits>

using namespace mlir;

namespace burin {

LogicalResult SoftmaxOp::inferReturnTypes(MLIRContext*,
                                          std::optional<Location> location,
                                          Adaptor op,
                                          SmallVectorImpl<Type>& types) {
  auto input = tensorOf(op.getInput());
  int64_t axis = op.getAxis();
  if (axis < 0 || axis >= input.getRank())
    return reject<SoftmaxOp>(location, "axis ", axis, " is not one of ",
                             input.getRank());
  types.push_back(input);
  return success();
}

FailureOr<SmallVector<Value>> SoftmaxOp::lower(OpBuilder& builder) {
  auto type = tensorOf(getInput());
  int64_t rank = type.getRank();
  int64_t axis = getAxis();
  // The loop over the axis is the last one, whichever axis it is.
  SmallVector<AffineExpr> exprs;
  for (int64_t i = 0; i < rank; ++i)
    exprs.push_back(builder.getAffineDimExpr(i < axis    ? i
                                             : i == axis ? rank - 1
                                                         : i - 1));
  AffineMap all = AffineMap::get(rank, 0, exprs, getContext());
  AffineMap row = leadingMap(getContext(), rank, rank - 1);
  SmallVector<int64_t> shape(type.getShape());
  shape.erase(shape.begin() + axis);
  auto rows = computeTensor(shape, type.getElementType());
  auto wide = computeTensor(type.getShape(), type.getElementType());
  Location at = getLoc();

  Value largest = emitFloatReduction(
      builder, at, {rows, row}, -std::numeric_limits<double>::infinity(),
      Input{getInput(), all},
      [](ArrayRef<Scalar> x) { return max(x[0], x[1]); });
  Value powers = emitFloatMap(
      builder, at, {wide, all}, {Input{getInput(), all}, Input{largest, row}},
      [](ArrayRef<Scalar> x) { return exp(x[0] - x[1]); });
  Value sum =
      emitFloatReduction(builder, at, {rows, row}, 0, Input{powers, all},
                         [](ArrayRef<Scalar> x) { return x[0] + x[1]; });
  Value result = emitFloatMap(builder, at, {type, all},
                              {Input{powers, all}, Input{sum, row}},
                              [](ArrayRef<Scalar> x) { return x[0] / x[1]; });
  return SmallVector<Value>{result};
}

// dx = y (g - sum(g y))
FailureOr<SmallVector<Value>>
SoftmaxOp::vjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool>) {
  Term g(builder, getLoc(), cotangents[0]);
  Term y = g.with(getOutput());
  return SmallVector<Value>{(y * (g - (g * y).sum(getAxis()))).as(getInput())};
}

// Max; subtract, exponential; sum; divide.
Cost SoftmaxOp::cost() {
  return {5 * tensorOf(getInput()).getNumElements(), trafficBytes(*this)};
}

} // namespace burin
