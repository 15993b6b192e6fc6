// SPDX-License-Identifier: Apache-2.0
// A window on one axis: inference, folding and lowering.
#include "compiler/dialect/dialect.h"
#include "compiler/dialect/inference.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace burin {

LogicalResult SliceOp::inferReturnTypes(MLIRContext*,
                                        std::optional<Location> location,
                                        Adaptor op,
                                        SmallVectorImpl<Type>& types) {
  auto input = tensorOf(op.getInput());
  int64_t axis = op.getAxis();
  if (axis < 0 || axis >= input.getRank())
    return reject<SliceOp>(location, "axis ", axis, " is not one of ",
                           input.getRank());
  int64_t extent = input.getDimSize(axis);
  if (op.getStart() < 0 || op.getSize() < 0 || op.getStart() > extent ||
      op.getSize() > extent - op.getStart())
    return reject<SliceOp>(location, "start ", op.getStart(), " and size ",
                           op.getSize(), " leave an axis of ", extent);
  SmallVector<int64_t> shape(input.getShape());
  shape[axis] = op.getSize();
  types.push_back(input.clone(shape));
  return success();
}

OpFoldResult SliceOp::fold(FoldAdaptor) {
  return getInput().getType() == getType() ? getInput() : Value();
}

bool SliceOp::gathers() {
  return false;
}

std::optional<Window> SliceOp::window() {
  return Window{getAxis(), {getStart()}};
}

FailureOr<SmallVector<Value>> SliceOp::lower(OpBuilder& builder) {
  auto type = tensorOf(getOutput());
  SmallVector<OpFoldResult> offsets(type.getRank(), builder.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(type.getRank(), builder.getIndexAttr(1));
  offsets[getAxis()] = builder.getIndexAttr(getStart());
  auto sizes = getAsIndexOpFoldResult(getContext(), type.getShape());
  Value window = tensor::ExtractSliceOp::create(
      builder, getLoc(), type, getInput(), offsets, sizes, strides);
  return SmallVector<Value>{window};
}

Cost SliceOp::cost() {
  return movementCost(*this);
}

} // namespace burin
