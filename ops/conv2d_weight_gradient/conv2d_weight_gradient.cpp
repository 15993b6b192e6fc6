// SPDX-License-Identifier: Apache-2.0
// The gradient of a convolution's weight: inference, kernel and cost.
#include "compiler/dialect/dialect.h"
#include "compiler/dialect/inference.h"
#include "compiler/dialect/library.h"

using namespace mlir;

namespace burin {

LogicalResult Conv2dWeightGradientOp::inferReturnTypes(
    MLIRContext* context, std::optional<Location> location, Adaptor op,
    SmallVectorImpl<Type>& types) {
  using Op = Conv2dWeightGradientOp;
  auto input = tensorOf(op.getInput());
  auto cotangent = tensorOf(op.getCotangent());
  auto kernel = op.getKernel(), padding = op.getPadding();
  if (input.getRank() != 4 || cotangent.getRank() != 4 ||
      input.getElementType() != cotangent.getElementType())
    return reject<Op>(location, "operands are ", input, " and ", cotangent,
                      ", needs [batch, height, width, channels] of one type");
  if (kernel.size() != 2 || kernel[0] < 1 || kernel[1] < 1)
    return reject<Op>(location, "kernel is [", kernel,
                      "], needs two extents of at least 1");
  if (op.getStride() < 1 || op.getUpsample() < 1)
    return reject<Op>(location, "stride and upsample need at least 1");
  if (padding.size() != 4 ||
      llvm::any_of(padding, [](int64_t extent) { return extent < 0; }))
    return reject<Op>(location, "padding is [", padding,
                      "], needs four extents of at least 0");
  SmallVector<int64_t> expected(cotangent.getShape());
  expected[0] = input.getDimSize(0);
  for (int axis : {0, 1}) {
    int64_t room = input.getDimSize(1 + axis) * op.getUpsample() +
                   padding[axis] + padding[2 + axis] - kernel[axis];
    expected[1 + axis] = room < 0 ? 0 : room / op.getStride() + 1;
  }
  if (expected != cotangent.getShape())
    return reject<Op>(location, "cotangent is [", cotangent.getShape(),
                      "], the convolution's result is [", expected, "]");
  types.push_back(RankedTensorType::get(
      {cotangent.getDimSize(3), input.getDimSize(3), kernel[0], kernel[1]},
      Float32Type::get(context)));
  return success();
}

FailureOr<LibraryCall> Conv2dWeightGradientOp::libraryCall() {
  auto kernel = kernelFor(*this, "weight_gradient", getInput());
  if (failed(kernel))
    return failure();
  auto in = shapeOf(getInput()), out = shapeOf(getCotangent());
  LibraryCall call;
  call.kernel = *kernel;
  call.operands = {getInput(), getCotangent()};
  call.params = {in[0],       out[1],          out[2],          in[1],
                 in[2],       in[3],           getKernel()[0],  getKernel()[1],
                 getStride(), getPadding()[0], getPadding()[1], getUpsample(),
                 out[3]};
  return call;
}

Cost Conv2dWeightGradientOp::cost() {
  int64_t terms = ShapedType::getNumElements(shapeOf(getCotangent()));
  return {2 * terms * shapeOf(getInput())[3] * getKernel()[0] * getKernel()[1],
          trafficBytes(*this)};
}

} // namespace burin
