// SPDX-License-Identifier: Apache-2.0
// Another shape: inference, folding, lowering and gradient.
#include "compiler/dialect/dialect.h"
#include "compiler/dialect/inference.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace burin {

LogicalResult ReshapeOp::inferReturnTypes(MLIRContext*,
                                          std::optional<Location> location,
                                          Adaptor op,
                                          SmallVectorImpl<Type>& types) {
  auto input = tensorOf(op.getInput());
  if (elementCount(op.getShape()) != input.getNumElements())
    return reject<ReshapeOp>(location, "[", input.getShape(), "] and [",
                             op.getShape(),
                             "] have different numbers of elements");
  types.push_back(input.clone(op.getShape()));
  return success();
}

OpFoldResult ReshapeOp::fold(FoldAdaptor) {
  if (getInput().getType() == getType())
    return getInput();
  if (auto inner = getInput().getDefiningOp<ReshapeOp>()) {
    getInputMutable().assign(inner.getInput());
    return getResult();
  }
  return {};
}

bool ReshapeOp::gathers() {
  return false;
}

std::optional<Window> ReshapeOp::window() {
  return std::nullopt;
}

// All axes as one; a tensor without axes becomes [1].
static Value flatten(OpBuilder& builder, Location location, Value tensor) {
  auto type = tensorOf(tensor);
  auto flat = type.clone({type.getNumElements()});
  if (type.getRank() == 0)
    return tensor::ExpandShapeOp::create(builder, location, flat, tensor,
                                         ArrayRef<ReassociationIndices>{});
  ReassociationIndices axes = llvm::to_vector(llvm::seq(type.getRank()));
  return tensor::CollapseShapeOp::create(builder, location, flat, tensor,
                                         ArrayRef{axes});
}

static Value unflatten(OpBuilder& builder, Location location, Value flat,
                       RankedTensorType type) {
  if (type.getRank() == 0)
    return tensor::CollapseShapeOp::create(builder, location, type, flat,
                                           ArrayRef<ReassociationIndices>{});
  ReassociationIndices axes = llvm::to_vector(llvm::seq(type.getRank()));
  return tensor::ExpandShapeOp::create(builder, location, type, flat,
                                       ArrayRef{axes});
}

FailureOr<SmallVector<Value>> ReshapeOp::lower(OpBuilder& builder) {
  Value flat = flatten(builder, getLoc(), getInput());
  return SmallVector<Value>{
      unflatten(builder, getLoc(), flat, tensorOf(getOutput()))};
}

FailureOr<SmallVector<Value>>
ReshapeOp::vjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool>) {
  return SmallVector<Value>{builder.createOrFold<ReshapeOp>(
      getLoc(), cotangents[0], shapeOf(getInput()))};
}

Cost ReshapeOp::cost() {
  return movementCost(*this);
}

} // namespace burin
