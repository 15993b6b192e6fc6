// SPDX-License-Identifier: Apache-2.0
// LayerNorm: inference, lowering in two passes over each row, and cost.
#include "compiler/dialect/dialect.h"
#include "compiler/dialect/lowering.h"

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

// Sum; subtract, square, sum; subtract, two products, sum.
Cost LayerNormOp::cost() {
  return {8 * tensorOf(getInput()).getNumElements(), trafficBytes(*this)};
}

} // namespace burin
