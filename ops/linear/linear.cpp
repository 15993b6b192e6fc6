// SPDX-License-Identifier: Apache-2.0
// Fully connected contraction: inference, kernel and cost.
#include "compiler/dialect/dialect.h"
#include "compiler/dialect/inference.h"
#include "compiler/dialect/library.h"

using namespace mlir;

namespace burin {

LogicalResult LinearOp::inferReturnTypes(MLIRContext*,
                                         std::optional<Location> location,
                                         Adaptor op,
                                         SmallVectorImpl<Type>& types) {
  auto input = tensorOf(op.getInput());
  if (input.getRank() < 1)
    return reject<LinearOp>(location, "input needs at least one axis");
  if (op.getWeights().empty())
    return reject<LinearOp>(location, "needs at least one weight");
  SmallVector<int64_t> shape(input.getShape());
  shape.back() = 0;
  for (Value each : op.getWeights()) {
    auto weight = shapeOf(each);
    if (weight.size() != 2 || weight[1] != input.getShape().back())
      return reject<LinearOp>(location, "weight is [", weight,
                              "], needs [outputs, ", input.getShape().back(),
                              "]");
    shape.back() += weight[0];
  }
  types.push_back(input.clone(shape));
  return success();
}

// Several products side by side, for devices that pack one weight at a time.
FailureOr<SmallVector<Value>> LinearOp::decompose(OpBuilder& builder) {
  if (getWeights().size() == 1)
    return failure();
  SmallVector<Value> parts;
  for (Value weight : getWeights())
    parts.push_back(LinearOp::create(builder, getLoc(), getInput(), weight));
  int64_t last = tensorOf(getOutput()).getRank() - 1;
  return SmallVector<Value>{
      ConcatOp::create(builder, getLoc(), parts, last).getResult()};
}

FailureOr<LibraryCall> LinearOp::libraryCall() {
  auto output = shapeOf(getOutput());
  int64_t rows = ShapedType::getNumElements(output.drop_back());
  return contraction(*this, getInput(), getWeights(),
                     {.outWidth = rows,
                      .inWidth = rows,
                      .channels = shapeOf(getInput()).back(),
                      .outChannels = output.back()});
}

Cost LinearOp::cost() {
  int64_t results = tensorOf(getOutput()).getNumElements();
  return {2 * results * shapeOf(getInput()).back(), trafficBytes(*this)};
}

} // namespace burin
