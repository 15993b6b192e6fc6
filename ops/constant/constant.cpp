// SPDX-License-Identifier: Apache-2.0
// One number everywhere: verification and lowering.
#include "compiler/dialect/dialect.h"
#include "compiler/dialect/lowering.h"

#include <cmath>

using namespace mlir;

namespace burin {

LogicalResult ConstantOp::verify() {
  Type element = elementOf(getOutput());
  if (isa<FloatType>(element))
    return success();
  // The least magnitude that the type cannot hold; exact in double.
  double limit = std::ldexp(1.0, element.getIntOrFloatBitWidth() - 1);
  double value = getValue();
  if (std::trunc(value) != value || value < -limit || value >= limit)
    return emitOpError("value ") << value << " is not a number of " << element;
  return success();
}

FailureOr<SmallVector<Value>> ConstantOp::lower(OpBuilder& builder) {
  auto type = tensorOf(getOutput());
  Type element = type.getElementType();
  TypedAttr number =
      isa<FloatType>(element)
          ? TypedAttr(builder.getFloatAttr(element, getValue()))
          : builder.getIntegerAttr(element, static_cast<int64_t>(getValue()));
  Value result = emitMap(builder, getLoc(), type, {},
                         [&](OpBuilder& inner, Location at, ValueRange) {
                           return arith::ConstantOp::create(inner, at, number);
                         });
  return SmallVector<Value>{result};
}

Cost ConstantOp::cost() {
  return movementCost(*this);
}

} // namespace burin
