// SPDX-License-Identifier: Apache-2.0
// A window on one axis: inference, folding, lowering and gradient.
#include "compiler/dialect/dialect.h"
#include "compiler/dialect/lowering.h"

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

// A copy that reads `start` further on.
FailureOr<SmallVector<Value>> SliceOp::lower(OpBuilder& builder) {
  auto type = tensorOf(getOutput());
  AffineMap all = builder.getMultiDimIdentityMap(type.getRank());
  SmallVector<AffineExpr> read(all.getResults());
  read[getAxis()] = read[getAxis()] + getStart();
  Value result = emitMap(
      builder, getLoc(), type,
      Input{getInput(), AffineMap::get(type.getRank(), 0, read, getContext())},
      [](OpBuilder&, Location, ValueRange x) -> Value { return x[0]; });
  return SmallVector<Value>{result};
}

// dx is g between zeros.
FailureOr<SmallVector<Value>>
SliceOp::vjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool>) {
  auto type = tensorOf(getInput());
  int64_t end = getStart() + getSize();
  SmallVector<Value> parts;
  auto zeros = [&](int64_t size) {
    SmallVector<int64_t> shape(type.getShape());
    shape[getAxis()] = size;
    if (size > 0)
      parts.push_back(
          ConstantOp::create(builder, getLoc(), type.clone(shape), 0.0));
  };
  zeros(getStart());
  parts.push_back(cotangents[0]);
  zeros(type.getDimSize(getAxis()) - end);
  return SmallVector<Value>{
      builder.createOrFold<ConcatOp>(getLoc(), parts, getAxis())};
}

Cost SliceOp::cost() {
  return movementCost(*this);
}

} // namespace burin
