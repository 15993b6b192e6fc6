// SPDX-License-Identifier: Apache-2.0
// A convolution with a projected shortcut: inference, its parts, gradient,
// kernel, cost.
#include "compiler/dialect/dialect.h"
#include "compiler/dialect/inference.h"
#include "compiler/dialect/library.h"

using namespace mlir;

namespace burin {

static constexpr int64_t kNoPadding[] = {0, 0, 0, 0};

LogicalResult Conv2dShortcutOp::inferReturnTypes(MLIRContext* context,
                                                 std::optional<Location> at,
                                                 Adaptor op,
                                                 SmallVectorImpl<Type>& types) {
  // The convolution has the preconditions of its own operands.
  Conv2dOp::Properties properties;
  properties.stride = op.getStride();
  llvm::append_range(properties.padding, op.getPadding());
  if (failed(Conv2dOp::inferReturnTypes(
          context, at, ValueRange{op.getInput(), op.getWeight()},
          DictionaryAttr(), &properties, {}, types)))
    return failure();
  auto output = cast<RankedTensorType>(types[0]);
  auto shortcut = tensorOf(op.getShortcut());
  auto projection = shapeOf(op.getProjection());
  if (shortcut.getRank() != 4 ||
      shortcut.getShape().drop_back() != output.getShape().drop_back())
    return reject<Conv2dShortcutOp>(at, "shortcut is [", shortcut.getShape(),
                                    "], needs [", output.getShape().drop_back(),
                                    ", channels]");
  if (shortcut.getElementType() != output.getElementType())
    return reject<Conv2dShortcutOp>(
        at, "shortcut has elements of ", shortcut.getElementType(),
        ", needs the input's ", output.getElementType());
  if (projection !=
      ArrayRef<int64_t>{output.getDimSize(3), shortcut.getDimSize(3), 1, 1})
    return reject<Conv2dShortcutOp>(at, "projection is [", projection,
                                    "], needs [", output.getDimSize(3), ", ",
                                    shortcut.getDimSize(3), ", 1, 1]");
  return success();
}

FailureOr<SmallVector<Value>> Conv2dShortcutOp::decompose(OpBuilder& builder) {
  Value main = Conv2dOp::create(builder, getLoc(), getInput(), getWeight(),
                                getStride(), getPadding());
  Value point = Conv2dOp::create(builder, getLoc(), getShortcut(),
                                 getProjection(), 1, kNoPadding);
  return SmallVector<Value>{
      BinaryOp::create(builder, getLoc(), "add", main, point).getResult()};
}

// The gradients of its two convolutions, which get the same cotangents.
FailureOr<SmallVector<Value>> Conv2dShortcutOp::vjp(OpBuilder& builder,
                                                    ValueRange cotangents,
                                                    ArrayRef<bool> needed) {
  auto main = Conv2dOp::create(builder, getLoc(), getInput(), getWeight(),
                               getStride(), getPadding());
  auto point = Conv2dOp::create(builder, getLoc(), getShortcut(),
                                getProjection(), 1, kNoPadding);
  auto gradients = main.vjp(builder, cotangents, needed.take_front(2));
  auto others = point.vjp(builder, cotangents, needed.drop_front(2));
  main.erase();
  point.erase();
  if (failed(gradients) || failed(others))
    return failure();
  llvm::append_range(*gradients, *others);
  return gradients;
}

FailureOr<LibraryCall> Conv2dShortcutOp::libraryCall() {
  FailureOr<LibraryCall> call =
      contraction(*this, getInput(), getWeight(),
                  convolution(getInput(), getWeight(), getOutput(), getStride(),
                              getPadding()));
  FailureOr<std::string> kernel =
      kernelFor(*this, "contract_shortcut", getInput());
  if (failed(call) || failed(kernel))
    return failure();
  call->kernel = *kernel;
  llvm::append_values(call->operands, getShortcut(), getProjection());
  call->params.push_back(shapeOf(getShortcut()).back());
  call->packings.clear(); // of processors, which have no such kernel
  return call;
}

Cost Conv2dShortcutOp::cost() {
  auto weight = shapeOf(getWeight());
  int64_t results = tensorOf(getOutput()).getNumElements();
  int64_t products = shapeOf(getInput())[3] * weight[2] * weight[3] +
                     shapeOf(getShortcut())[3];
  return {2 * results * products, trafficBytes(*this)};
}

} // namespace burin
