// SPDX-License-Identifier: Apache-2.0
// Enlargement by repetition: inference, folding, lowering and gradient.
#include "compiler/dialect/dialect.h"
#include "compiler/dialect/lowering.h"
#include "compiler/dialect/term.h"

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

FailureOr<SmallVector<Value>> UpsampleNearestOp::lower(OpBuilder& builder) {
  AffineExpr n, row, column, channel;
  bindDims(getContext(), n, row, column, channel);
  AffineMap read = AffineMap::get(
      4, 0,
      {n, row.floorDiv(getFactor()), column.floorDiv(getFactor()), channel},
      getContext());
  Value result =
      emitMap(builder, getLoc(), tensorOf(getOutput()), Input{getInput(), read},
              [](OpBuilder&, Location, ValueRange x) -> Value { return x[0]; });
  return SmallVector<Value>{result};
}

// A pixel gathers the block that repeats it.
FailureOr<SmallVector<Value>> UpsampleNearestOp::vjp(OpBuilder& builder,
                                                     ValueRange cotangents,
                                                     ArrayRef<bool>) {
  auto shape = shapeOf(getInput());
  Term g(builder, getLoc(), cotangents[0]);
  Term blocks = g.reshape(
      {shape[0], shape[1], getFactor(), shape[2], getFactor(), shape[3]});
  return SmallVector<Value>{blocks.sum({2, 4}).reshape(shape).as(getInput())};
}

Cost UpsampleNearestOp::cost() {
  return movementCost(*this);
}

} // namespace burin
