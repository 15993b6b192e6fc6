// SPDX-License-Identifier: Apache-2.0
// Conversion between element types: inference, folding, lowering
// and gradient.
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
  if (getInput().getType() == getType())
    return getInput();
  // To a float type that holds all numbers of this one and back.
  auto inner = getInput().getDefiningOp<CastOp>();
  if (!inner || inner.getInput().getType() != getType())
    return {};
  auto narrow = dyn_cast<FloatType>(getElement());
  auto wide = dyn_cast<FloatType>(elementOf(getInput()));
  bool widens = narrow && wide && narrow.getWidth() < wide.getWidth();
  return widens ? inner.getInput() : Value();
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

// Rounding counts as the identity.
FailureOr<SmallVector<Value>>
CastOp::vjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool>) {
  return SmallVector<Value>{builder.createOrFold<CastOp>(
      getLoc(), cotangents[0], elementOf(getInput()))};
}

} // namespace burin
