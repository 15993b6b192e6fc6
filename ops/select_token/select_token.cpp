// SPDX-License-Identifier: Apache-2.0
// One token of each sequence: inference, kernel, gradient and
// cost.
#include "compiler/dialect/dialect.h"
#include "compiler/dialect/inference.h"
#include "compiler/dialect/library.h"

using namespace mlir;

namespace burin {

LogicalResult SelectTokenOp::inferReturnTypes(MLIRContext*,
                                              std::optional<Location> location,
                                              Adaptor op,
                                              SmallVectorImpl<Type>& types) {
  auto input = tensorOf(op.getInput());
  if (input.getRank() != 3)
    return reject<SelectTokenOp>(location, "input is [", input.getShape(),
                                 "], needs [batch, tokens, width]");
  int64_t batch = input.getDimSize(0);
  if (shapeOf(op.getIndex()) != ArrayRef(batch))
    return reject<SelectTokenOp>(location, "index is [", shapeOf(op.getIndex()),
                                 "], needs [", batch, "]");
  types.push_back(input.clone({batch, input.getDimSize(2)}));
  return success();
}

FailureOr<LibraryCall> SelectTokenOp::libraryCall() {
  auto input = shapeOf(getInput());
  return gatherRows(getInput(), getIndex(), input[0] * input[1], input[2],
                    /*groups=*/input[0]);
}

// dx is g at the token that was chosen and zero at others.
FailureOr<SmallVector<Value>>
SelectTokenOp::vjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool>) {
  auto input = shapeOf(getInput());
  auto reshaped = [&](Value x, ArrayRef<int64_t> shape) {
    return builder.createOrFold<ReshapeOp>(getLoc(), x, shape);
  };
  Value sums = ScatterAddOp::create(
      builder, getLoc(), reshaped(cotangents[0], {input[0], 1, input[2]}),
      reshaped(getIndex(), {input[0], 1}), input[1]);
  return SmallVector<Value>{sums, Value()};
}

// Only the rows that are asked for are read.
Cost SelectTokenOp::cost() {
  auto output = tensorOf(getOutput());
  return {0, 2 * output.getNumElements() * output.getElementTypeBitWidth() / 8};
}

} // namespace burin
