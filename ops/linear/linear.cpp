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
  auto weight = shapeOf(op.getWeight());
  if (input.getRank() < 1)
    return reject<LinearOp>(location, "input needs at least one axis");
  if (weight.size() != 2 || weight[1] != input.getShape().back())
    return reject<LinearOp>(location, "weight is [", weight,
                            "], needs [outputs, ", input.getShape().back(),
                            "]");
  SmallVector<int64_t> shape(input.getShape());
  shape.back() = weight[0];
  types.push_back(input.clone(shape));
  return success();
}

FailureOr<LibraryCall> LinearOp::libraryCall() {
  auto weight = shapeOf(getWeight());
  int64_t rows = 1;
  for (int64_t extent : shapeOf(getInput()).drop_back())
    rows *= extent;
  return contraction(*this, getInput(), getWeight(),
                     {.outWidth = rows,
                      .inWidth = rows,
                      .channels = weight[1],
                      .outChannels = weight[0]});
}

Cost LinearOp::cost() {
  int64_t results = tensorOf(getOutput()).getNumElements();
  return {2 * results * shapeOf(getWeight())[1], trafficBytes(*this)};
}

} // namespace burin
