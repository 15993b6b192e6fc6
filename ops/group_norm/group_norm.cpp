// SPDX-License-Identifier: Apache-2.0
// GroupNorm: inference and its parts.
#include "compiler/dialect/dialect.h"
#include "compiler/dialect/inference.h"
#include "compiler/dialect/library.h"

using namespace mlir;

namespace burin {

LogicalResult GroupNormOp::inferReturnTypes(MLIRContext*,
                                            std::optional<Location>, Adaptor op,
                                            SmallVectorImpl<Type>& types) {
  types.push_back(op.getInput().getType());
  return success();
}

LogicalResult GroupNormOp::verify() {
  // The part that computes the factors has the preconditions.
  SmallVector<Type> factors;
  GroupAffineOp::Properties properties;
  properties.groups = getGroups();
  properties.eps = getEps();
  return GroupAffineOp::inferReturnTypes(getContext(), getLoc(), getOperands(),
                                         DictionaryAttr(), &properties, {},
                                         factors);
}

// Hands out tiles of y = x * scale + shift, so that what follows joins it.
FailureOr<LibraryCall> GroupNormOp::libraryCall() {
  auto kernel = kernelFor(*this, "group_norm", getInput());
  if (failed(kernel))
    return failure();
  LibraryCall call;
  call.kernel = *kernel;
  call.operands = {getInput(), getGamma(), getBeta()};
  call.params = groupParams(getInput(), getGamma(), getGroups(), getEps());
  call.tiled = true;
  return call;
}

FailureOr<SmallVector<Value>> GroupNormOp::decompose(OpBuilder& builder) {
  auto affine = GroupAffineOp::create(builder, getLoc(), getInput(), getGamma(),
                                      getBeta(), getGroups(), getEps());
  Value wide =
      builder.createOrFold<CastOp>(getLoc(), getInput(), builder.getF32Type());
  Value scaled =
      BinaryOp::create(builder, getLoc(), "mul", wide, affine.getScale());
  Value shifted =
      BinaryOp::create(builder, getLoc(), "add", scaled, affine.getShift());
  return SmallVector<Value>{
      builder.createOrFold<CastOp>(getLoc(), shifted, elementOf(getOutput()))};
}

} // namespace burin
