// SPDX-License-Identifier: Apache-2.0
// Enlargement by repetition: inference, folding and lowering.
#include "compiler/dialect/dialect.h"
#include "compiler/dialect/lowering.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace burin {

LogicalResult
UpsampleNearestOp::inferReturnTypes(MLIRContext*,
                                    std::optional<Location> location,
                                    Adaptor op, SmallVectorImpl<Type>& types) {
  auto input = tensorOf(op.getInput());
  if (input.getRank() != 4)
    return reject<UpsampleNearestOp>(location, "input is [", input.getShape(),
                                     "], needs [batch, height, width, "
                                     "channels]");
  if (op.getFactor() < 1)
    return reject<UpsampleNearestOp>(location, "factor ", op.getFactor(),
                                     " is less than 1");
  SmallVector<int64_t> shape(input.getShape());
  shape[1] *= op.getFactor();
  shape[2] *= op.getFactor();
  types.push_back(input.clone(shape));
  return success();
}

OpFoldResult UpsampleNearestOp::fold(FoldAdaptor) {
  return getFactor() == 1 ? getInput() : Value();
}

// Copies of a pixel are axes of their own: [N, H, factor, W, factor, C].
FailureOr<SmallVector<Value>> UpsampleNearestOp::lower(OpBuilder& builder) {
  auto input = tensorOf(getInput());
  auto shape = input.getShape();
  auto spread = input.clone(
      {shape[0], shape[1], getFactor(), shape[2], getFactor(), shape[3]});
  AffineMap read =
      AffineMap::getMultiDimMapWithTargets(6, {0, 1, 3, 5}, getContext());
  Value copies =
      emitMap(builder, getLoc(), spread, Input{getInput(), read},
              [](OpBuilder&, Location, ValueRange x) -> Value { return x[0]; });
  SmallVector<ReassociationIndices> axes{{0}, {1, 2}, {3, 4}, {5}};
  return SmallVector<Value>{tensor::CollapseShapeOp::create(
      builder, getLoc(), getOutput().getType(), copies, axes)};
}

Cost UpsampleNearestOp::cost() {
  return movementCost(*this);
}

} // namespace burin
