// SPDX-License-Identifier: Apache-2.0
// Position of the maximum: inference and lowering.
#include "compiler/dialect/dialect.h"
#include "compiler/dialect/lowering.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;

namespace burin {

LogicalResult ArgmaxOp::inferReturnTypes(MLIRContext* context,
                                         std::optional<Location> location,
                                         Adaptor op,
                                         SmallVectorImpl<Type>& types) {
  auto shape = shapeOf(op.getInput());
  if (shape.empty() || shape.back() == 0)
    return reject<ArgmaxOp>(location, "input is [", shape,
                            "], needs a last axis with elements");
  types.push_back(
      RankedTensorType::get(shape.drop_back(), IntegerType::get(context, 64)));
  return success();
}

static TypedAttr least(OpBuilder& builder, Type element) {
  if (auto type = dyn_cast<FloatType>(element))
    return FloatAttr::get(
        type, APFloat::getInf(type.getFloatSemantics(), /*Negative=*/true));
  return builder.getIntegerAttr(
      element, APInt::getSignedMinValue(element.getIntOrFloatBitWidth()));
}

static Value largerOf(OpBuilder& builder, Location location, Value a, Value b) {
  if (isa<FloatType>(a.getType()))
    return arith::MaximumFOp::create(builder, location, a, b);
  return arith::MaxSIOp::create(builder, location, a, b);
}

// Whether x is the row's maximum; where that is NaN, whether x is one.
static Value isLargest(OpBuilder& builder, Location location, Value x,
                       Value largest) {
  if (!isa<FloatType>(x.getType()))
    return arith::CmpIOp::create(builder, location, arith::CmpIPredicate::eq, x,
                                 largest);
  Value equal = arith::CmpFOp::create(builder, location,
                                      arith::CmpFPredicate::OEQ, x, largest);
  Value isNan =
      arith::CmpFOp::create(builder, location, arith::CmpFPredicate::UNO, x, x);
  return arith::OrIOp::create(builder, location, equal, isNan);
}

// The maximum of each row, then the least position that holds it.
FailureOr<SmallVector<Value>> ArgmaxOp::lower(OpBuilder& builder) {
  auto type = tensorOf(getInput());
  int64_t last = type.getRank() - 1;
  AffineMap all = builder.getMultiDimIdentityMap(type.getRank());
  AffineMap row = leadingMap(getContext(), last + 1, last);
  Type compute = computeType(type.getElementType());
  auto rows = RankedTensorType::get(type.getShape().drop_back(), compute);

  Value largest = emitReduction(
      builder, getLoc(), {rows, row}, least(builder, compute),
      Input{getInput(), all}, [&](OpBuilder& inner, Location at, ValueRange x) {
        return largerOf(inner, at, x[0],
                        convertScalar(inner, at, x[1], compute));
      });
  Value result = emitReduction(
      builder, getLoc(), {tensorOf(getOutput()), row},
      builder.getI64IntegerAttr(type.getShape().back()),
      {Input{getInput(), all}, Input{largest, row}},
      [&](OpBuilder& inner, Location at, ValueRange x) -> Value {
        Value index = arith::IndexCastOp::create(
            inner, at, inner.getI64Type(),
            linalg::IndexOp::create(inner, at, last));
        Value found =
            isLargest(inner, at, convertScalar(inner, at, x[1], compute), x[2]);
        Value candidate =
            arith::SelectOp::create(inner, at, found, index, x[0]);
        return arith::MinSIOp::create(inner, at, x[0], candidate);
      });
  return SmallVector<Value>{result};
}

} // namespace burin
