// SPDX-License-Identifier: Apache-2.0
// GroupNorm: inference, its parts and gradient.
#include "compiler/dialect/dialect.h"
#include "compiler/dialect/inference.h"
#include "compiler/dialect/library.h"
#include "compiler/dialect/term.h"

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

// y = x scale + shift, with the factors of group_affine:
//   dscale = sum g x, dshift = sum g over the positions of an image
//   dx = g scale + what flows through the factors
FailureOr<SmallVector<Value>> GroupNormOp::vjp(OpBuilder& builder,
                                               ValueRange cotangents,
                                               ArrayRef<bool> needed) {
  Term g(builder, getLoc(), cotangents[0]);
  Term x = g.with(getInput());
  int64_t last = x.shape().size() - 1;
  auto positions = llvm::to_vector(llvm::seq<int64_t>(1, last));
  auto affine = GroupAffineOp::create(builder, getLoc(), getInput(), getGamma(),
                                      getBeta(), getGroups(), getEps());
  Value factors[] = {(g * x).sum(positions).value(), g.sum(positions).value()};
  FailureOr<SmallVector<Value>> answer = affine.vjp(builder, factors, needed);
  if (failed(answer) || !needed[0])
    return answer;
  auto unit = GroupAffineOp::standardise(builder, getLoc(), getInput(),
                                         getGroups(), getEps());
  Term direct = g * (g.with(unit.getScale()) * g.with(getGamma()));
  answer->front() = (direct + g.with(answer->front())).as(getInput());
  return answer;
}

} // namespace burin
