// SPDX-License-Identifier: Apache-2.0
// Table lookup: inference, kernel, gradient and cost.
#include "compiler/dialect/dialect.h"
#include "compiler/dialect/inference.h"
#include "compiler/dialect/library.h"

using namespace mlir;

namespace burin {

LogicalResult EmbeddingOp::inferReturnTypes(MLIRContext*,
                                            std::optional<Location> location,
                                            Adaptor op,
                                            SmallVectorImpl<Type>& types) {
  auto table = tensorOf(op.getTable());
  if (table.getRank() != 2)
    return reject<EmbeddingOp>(location, "table is [", table.getShape(),
                               "], needs [rows, width]");
  SmallVector<int64_t> shape(shapeOf(op.getIds()));
  shape.push_back(table.getDimSize(1));
  types.push_back(table.clone(shape));
  return success();
}

FailureOr<LibraryCall> EmbeddingOp::libraryCall() {
  auto table = shapeOf(getTable());
  return gatherRows(getTable(), getIds(), table[0], table[1], /*groups=*/1);
}

// Row r of dtable is the sum of g where ids is r.
FailureOr<SmallVector<Value>>
EmbeddingOp::vjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool>) {
  auto table = shapeOf(getTable());
  int64_t count = tensorOf(getIds()).getNumElements();
  auto reshaped = [&](Value x, ArrayRef<int64_t> shape) {
    return builder.createOrFold<ReshapeOp>(getLoc(), x, shape);
  };
  Value sums = ScatterAddOp::create(
      builder, getLoc(), reshaped(cotangents[0], {1, count, table[1]}),
      reshaped(getIds(), {1, count}), table[0]);
  return SmallVector<Value>{reshaped(sums, table), Value()};
}

// Only the rows that are asked for are read.
Cost EmbeddingOp::cost() {
  auto output = tensorOf(getOutput());
  int64_t rows =
      2 * output.getNumElements() * output.getElementTypeBitWidth() / 8;
  auto ids = tensorOf(getIds());
  return {0, rows + ids.getNumElements() * ids.getElementTypeBitWidth() / 8};
}

} // namespace burin
