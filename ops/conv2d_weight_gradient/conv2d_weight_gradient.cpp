// SPDX-License-Identifier: Apache-2.0
// The gradient of a convolution's weight: inference, kernel, its parts on a
// card, and cost.
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

namespace {

// Builds dW = dY^T X, where X has for each pixel of dy and each tap the
// channels of the element that it meets. Padding and windows are views of last
// axes, which the memory plan can place.
class Parts {
public:
  Parts(OpBuilder& builder, Conv2dWeightGradientOp op)
      : builder_(builder), op_(op), out_(shapeOf(op.getCotangent())) {}

  Value emit() {
    pad();
    SmallVector<Value> taps;
    for (int64_t ky = 0; ky < op_.getKernel()[0]; ++ky)
      for (int64_t kx = 0; kx < op_.getKernel()[1]; ++kx)
        taps.push_back(tap(ky, kx));
    Value rows = reshape(op_.getCotangent(), {pixels(), out_[3]});
    rows = TransposeOp::create(builder_, loc(), rows, ArrayRef<int64_t>{1, 0});
    Value sums = LinearOp::create(builder_, loc(), rows, taps,
                                  /*transposed=*/true);
    sums = builder_.createOrFold<CastOp>(loc(), sums, builder_.getF32Type());
    int64_t height = op_.getKernel()[0], width = op_.getKernel()[1];
    if (height * width == 1)
      return reshape(sums, {out_[3], channels_, 1, 1});
    sums = reshape(sums, {out_[3], height, width, channels_});
    return TransposeOp::create(builder_, loc(), sums,
                               ArrayRef<int64_t>{0, 3, 1, 2});
  }

private:
  Location loc() { return op_.getLoc(); }
  int64_t pixels() { return out_[0] * out_[1] * out_[2]; }
  Value reshape(Value x, ArrayRef<int64_t> shape) {
    return builder_.createOrFold<ReshapeOp>(loc(), x, shape);
  }
  Value columns(Value x, int64_t start, int64_t size) {
    return builder_.createOrFold<SliceOp>(loc(), x, 1, start, size);
  }

  // Zeros before and after the rows of x [rows, columns].
  Value widen(Value x, int64_t before, int64_t after) {
    SmallVector<Value> parts;
    auto zeros = [&](int64_t count) {
      auto type = tensorOf(x).clone({shapeOf(x)[0], count});
      if (count > 0)
        parts.push_back(ConstantOp::create(builder_, loc(), type, 0.0));
    };
    zeros(before);
    parts.push_back(x);
    zeros(after);
    return builder_.createOrFold<ConcatOp>(loc(), parts, 1);
  }

  // Makes padded_ [batch, height_ * width_ * channels_], with room for whole
  // strides under every tap.
  void pad() {
    Value x = builder_.createOrFold<UpsampleNearestOp>(loc(), op_.getInput(),
                                                       op_.getUpsample());
    SmallVector<int64_t> in(shapeOf(x));
    channels_ = in[3];
    auto extent = [&](int axis) {
      return std::max(in[1 + axis] + op_.getPadding()[axis],
                      out_[1 + axis] * op_.getStride() + op_.getKernel()[axis] -
                          1);
    };
    int64_t top = op_.getPadding()[0], left = op_.getPadding()[1];
    int64_t height = extent(0);
    width_ = extent(1);
    x = reshape(x, {in[0] * in[1], in[2] * channels_});
    x = widen(x, left * channels_, (width_ - in[2] - left) * channels_);
    int64_t line = width_ * channels_;
    x = reshape(x, {in[0], in[1] * line});
    padded_ = widen(x, top * line, (height - in[1] - top) * line);
  }

  // The elements that one tap meets, [pixels, channels].
  Value tap(int64_t ky, int64_t kx) {
    int64_t stride = op_.getStride(), line = width_ * channels_;
    Value x = columns(padded_, ky * line, out_[1] * stride * line);
    x = reshape(x, {out_[0] * out_[1], stride * line});
    x = columns(x, kx * channels_, out_[2] * stride * channels_);
    x = reshape(x, {pixels(), stride * channels_});
    return columns(x, 0, channels_);
  }

  OpBuilder& builder_;
  Conv2dWeightGradientOp op_;
  ArrayRef<int64_t> out_;
  int64_t channels_ = 0, width_ = 0;
  Value padded_;
};

} // namespace

FailureOr<SmallVector<Value>>
Conv2dWeightGradientOp::decompose(OpBuilder& builder) {
  return SmallVector<Value>{Parts(builder, *this).emit()};
}

Cost Conv2dWeightGradientOp::cost() {
  int64_t terms = ShapedType::getNumElements(shapeOf(getCotangent()));
  return {2 * terms * shapeOf(getInput())[3] * getKernel()[0] * getKernel()[1],
          trafficBytes(*this)};
}

} // namespace burin
