// SPDX-License-Identifier: Apache-2.0
// Conversion between element types: inference, folding and lowering.
#include "compiler/dialect/dialect.h"
#include "compiler/dialect/lowering.h"

using namespace mlir;

namespace burin {

LogicalResult CastOp::inferReturnTypes(MLIRContext*,
                                       std::optional<Location> location,
                                       Adaptor op,
                                       SmallVectorImpl<Type>& types) {
  Type element = op.getElement();
  if (!isa<Float16Type, BFloat16Type, Float32Type, Float64Type>(element) &&
      !element.isSignlessInteger(32) && !element.isSignlessInteger(64))
    return reject<CastOp>(location, "cannot convert to ", element);
  types.push_back(tensorOf(op.getInput()).clone(element));
  return success();
}

OpFoldResult CastOp::fold(FoldAdaptor) {
  return getInput().getType() == getType() ? getInput() : Value();
}

FailureOr<SmallVector<Value>> CastOp::lower(OpBuilder& builder) {
  auto type = tensorOf(getOutput());
  Input input{getInput(), builder.getMultiDimIdentityMap(type.getRank())};
  Value result = emitMap(builder, getLoc(), type, input,
                         [&](OpBuilder& inner, Location at, ValueRange x) {
                           return convertScalar(inner, at, x[0], getElement());
                         });
  return SmallVector<Value>{result};
}

} // namespace burin
