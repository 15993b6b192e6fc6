// SPDX-License-Identifier: Apache-2.0
// Fully connected contraction: inference, gradient, kernel and cost.
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
    bool transposed = op.getTransposed();
    int64_t inputs = input.getShape().back();
    if (weight.size() == 2 && weight[transposed ? 0 : 1] == inputs)
      shape.back() += weight[transposed ? 1 : 0];
    else if (transposed)
      return reject<LinearOp>(location, "transposed weight is [", weight,
                              "], needs [", inputs, ", outputs]");
    else
      return reject<LinearOp>(location, "weight is [", weight,
                              "], needs [outputs, ", inputs, "]");
  }
  types.push_back(input.clone(shape));
  return success();
}

// dx = dy W; several weights have their own columns of dy each.
static Value inputGradient(OpBuilder& builder, LinearOp op, Value dy) {
  bool transposed = !op.getTransposed();
  int64_t axis = tensorOf(dy).getRank() - 1, start = 0;
  Value sum;
  for (Value weight : op.getWeights()) {
    int64_t outputs = shapeOf(weight)[op.getTransposed() ? 1 : 0];
    Value part =
        builder.createOrFold<SliceOp>(op.getLoc(), dy, axis, start, outputs);
    Value dx = LinearOp::create(builder, op.getLoc(), part, weight, transposed);
    sum = sum ? BinaryOp::create(builder, op.getLoc(), "add", dx, sum) : dx;
    start += outputs;
  }
  return sum;
}

// Rows as the pixels of one image.
static Value asPixels(OpBuilder& builder, Location location, Value x) {
  auto shape = shapeOf(x);
  return builder.createOrFold<ReshapeOp>(
      location, x,
      ArrayRef<int64_t>{1, 1, ShapedType::getNumElements(shape.drop_back()),
                        shape.back()});
}

// dW = dy^T x, or where W lies transposed x^T dy, of all weights together.
static Value weightGradient(OpBuilder& builder, LinearOp op, Value dy) {
  Value x = asPixels(builder, op.getLoc(), op.getInput());
  dy = asPixels(builder, op.getLoc(), dy);
  if (op.getTransposed())
    std::swap(x, dy);
  Value whole = Conv2dWeightGradientOp::create(builder, op.getLoc(), x, dy,
                                               ArrayRef<int64_t>{1, 1}, 1,
                                               ArrayRef<int64_t>{0, 0, 0, 0});
  return ReshapeOp::create(builder, op.getLoc(), whole,
                           shapeOf(whole).take_front(2));
}

FailureOr<SmallVector<Value>> LinearOp::vjp(OpBuilder& builder,
                                            ValueRange cotangents,
                                            ArrayRef<bool> needed) {
  SmallVector<Value> gradients(getNumOperands());
  Value dy = cotangents[0];
  if (needed[0])
    gradients[0] = inputGradient(builder, *this, dy);
  // Nothing flows to weights that no row meets.
  if (!llvm::is_contained(needed.drop_front(), true) ||
      tensorOf(dy).getNumElements() == 0)
    return gradients;
  Value whole = weightGradient(builder, *this, dy);
  int64_t axis = getTransposed() ? 1 : 0, start = 0;
  for (auto [i, weight] : llvm::enumerate(getWeights())) {
    int64_t outputs = shapeOf(weight)[axis];
    if (needed[i + 1]) {
      Value part =
          builder.createOrFold<SliceOp>(getLoc(), whole, axis, start, outputs);
      gradients[i + 1] =
          builder.createOrFold<CastOp>(getLoc(), part, elementOf(weight));
    }
    start += outputs;
  }
  return gradients;
}

// Several products side by side, for devices that pack one weight at a time.
FailureOr<SmallVector<Value>> LinearOp::decompose(OpBuilder& builder) {
  if (getWeights().size() == 1)
    return failure();
  SmallVector<Value> parts;
  for (Value weight : getWeights())
    parts.push_back(LinearOp::create(builder, getLoc(), getInput(), weight,
                                     getTransposed()));
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
                      .outChannels = output.back()},
                     getTransposed());
}

Cost LinearOp::cost() {
  int64_t results = tensorOf(getOutput()).getNumElements();
  return {2 * results * shapeOf(getInput()).back(), trafficBytes(*this)};
}

} // namespace burin
