// SPDX-License-Identifier: Apache-2.0
// LayerNorm: inference, lowering in two passes over each row, gradient and
// cost.
#include "compiler/dialect/dialect.h"
#include "compiler/dialect/lowering.h"
#include "compiler/dialect/term.h"

using namespace mlir;

namespace burin {

LogicalResult LayerNormOp::inferReturnTypes(MLIRContext*,
                                            std::optional<Location> location,
                                            Adaptor op,
                                            SmallVectorImpl<Type>& types) {
  auto input = tensorOf(op.getInput());
  if (input.getRank() < 1)
    return reject<LayerNormOp>(location, "input needs at least one axis");
  int64_t width = input.getShape().back();
  for (Value affine : {op.getGamma(), op.getBeta()})
    if (shapeOf(affine) != ArrayRef(width))
      return reject<LayerNormOp>(location, "gamma and beta need [", width,
                                 "], one is [", shapeOf(affine), "]");
  types.push_back(input);
  return success();
}

// The variance is of the centred row: the difference of a mean of squares and
// a squared mean cancels where the mean is large.
FailureOr<SmallVector<Value>> LayerNormOp::lower(OpBuilder& builder) {
  auto type = tensorOf(getInput());
  int64_t rank = type.getRank();
  double width = type.getShape().back();
  AffineMap all = builder.getMultiDimIdentityMap(rank);
  AffineMap row = leadingMap(getContext(), rank, rank - 1);
  AffineMap column = all.getMinorSubMap(1);
  AffineMap one = builder.getMultiDimIdentityMap(rank - 1);
  auto rows = computeTensor(type.getShape().drop_back(), type.getElementType());
  Location at = getLoc();

  Value sum =
      emitFloatReduction(builder, at, {rows, row}, 0, Input{getInput(), all},
                         [](ArrayRef<Scalar> x) { return x[0] + x[1]; });
  Value mean = emitFloatMap(builder, at, rows, Input{sum, one},
                            [&](ArrayRef<Scalar> x) { return x[0] / width; });
  Value squares = emitFloatReduction(builder, at, {rows, row}, 0,
                                     {Input{getInput(), all}, Input{mean, row}},
                                     [](ArrayRef<Scalar> x) {
                                       Scalar centred = x[1] - x[2];
                                       return x[0] + centred * centred;
                                     });
  Value inverse = emitFloatMap(
      builder, at, rows, Input{squares, one},
      [&](ArrayRef<Scalar> x) { return rsqrt(x[0] / width + getEps()); });
  Value result = emitFloatMap(
      builder, at, type,
      {Input{getInput(), all}, Input{mean, row}, Input{inverse, row},
       Input{getGamma(), column}, Input{getBeta(), column}},
      [](ArrayRef<Scalar> x) { return (x[0] - x[1]) * x[2] * x[3] + x[4]; });
  return SmallVector<Value>{result};
}

// With the standardised row z = (x - mean) i, i = 1 / sqrt(variance + eps), and
// h = g gamma:
//   dx = i (h - mean(h) - z mean(h z)), dgamma = sum g z, dbeta = sum g
FailureOr<SmallVector<Value>> LayerNormOp::vjp(OpBuilder& builder,
                                               ValueRange cotangents,
                                               ArrayRef<bool> needed) {
  Term g(builder, getLoc(), cotangents[0]);
  Term x = g.with(getInput());
  int64_t last = x.shape().size() - 1;
  SmallVector<Value> answer(3);
  if (needed[2])
    answer[2] = g.as(getBeta());
  if (!needed[0] && !needed[1])
    return answer;
  Term centred = x - x.mean(last);
  Term variance = centred.unary("square").mean(last);
  Term inverse = (variance + getEps()).unary("rsqrt");
  Term z = centred * inverse;
  if (needed[1])
    answer[1] = (g * z).as(getGamma());
  if (needed[0]) {
    Term h = g * g.with(getGamma());
    Term dx = inverse * (h - h.mean(last) - z * (h * z).mean(last));
    answer[0] = dx.as(getInput());
  }
  return answer;
}

// Sum; subtract, square, sum; subtract, two products, sum.
Cost LayerNormOp::cost() {
  return {8 * tensorOf(getInput()).getNumElements(), trafficBytes(*this)};
}

} // namespace burin
