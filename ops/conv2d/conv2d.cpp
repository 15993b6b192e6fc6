// SPDX-License-Identifier: Apache-2.0
// Convolution: inference, canonical form, gradient, kernel and cost.
#include "compiler/dialect/dialect.h"
#include "compiler/dialect/inference.h"
#include "compiler/dialect/library.h"

using namespace mlir;

namespace burin {

LogicalResult Conv2dOp::inferReturnTypes(MLIRContext*,
                                         std::optional<Location> location,
                                         Adaptor op,
                                         SmallVectorImpl<Type>& types) {
  auto input = tensorOf(op.getInput());
  auto weight = shapeOf(op.getWeight());
  auto padding = op.getPadding();
  if (input.getRank() != 4)
    return reject<Conv2dOp>(location, "input is [", input.getShape(),
                            "], needs [batch, height, width, channels]");
  int64_t channels = input.getDimSize(3);
  bool transposed = op.getTransposed();
  bool whole = weight.size() == 4 && weight[2] >= 1 && weight[3] >= 1;
  if (transposed && (!whole || weight[0] != channels))
    return reject<Conv2dOp>(location, "transposed weight is [", weight,
                            "], needs [", channels,
                            ", outputs, height, width]");
  if (!transposed && (!whole || weight[1] != channels))
    return reject<Conv2dOp>(location, "weight is [", weight, "], needs [",
                            "outputs, ", channels, ", height, width]");
  if (op.getStride() < 1 || op.getUpsample() < 1)
    return reject<Conv2dOp>(location, "stride and upsample need at least 1");
  if (padding.size() != 4 ||
      llvm::any_of(padding, [](int64_t extent) { return extent < 0; }))
    return reject<Conv2dOp>(location, "padding is [", padding,
                            "], needs four extents of at least 0");
  SmallVector<int64_t> shape(input.getShape());
  shape[3] = weight[transposed ? 1 : 0];
  for (int axis : {0, 1}) {
    int64_t room = shape[1 + axis] * op.getUpsample() + padding[axis] +
                   padding[2 + axis] - weight[2 + axis];
    if (room < 0)
      return reject<Conv2dOp>(location, "kernel [", weight.drop_front(2),
                              "] is larger than the padded input");
    shape[1 + axis] = room / op.getStride() + 1;
  }
  types.push_back(input.clone(shape));
  return success();
}

namespace {
// The kernel reads an enlarged picture in place, so the copy is not made.
struct TakeOverUpsampling : OpRewritePattern<Conv2dOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(Conv2dOp op,
                                PatternRewriter& rewriter) const override {
    auto upsample = op.getInput().getDefiningOp<UpsampleNearestOp>();
    if (!upsample)
      return rewriter.notifyMatchFailure(op, "input is not enlarged");
    rewriter.modifyOpInPlace(op, [&] {
      op.setUpsample(op.getUpsample() * upsample.getFactor());
      op.getInputMutable().assign(upsample.getInput());
    });
    return success();
  }
};
} // namespace

void Conv2dOp::getCanonicalizationPatterns(RewritePatternSet& patterns,
                                           MLIRContext* context) {
  patterns.add<TakeOverUpsampling>(context);
}

namespace {

// Emits the gradient with respect to the input:
//   dX = sum over taps of dY^[h + top - ky, w + left - kx] W[.., ky, kx]
// which is a convolution of dY^ with the transposed weight. dY^ is dY with
// stride - 1 zeros behind each element, and zero outside. The elements that an
// enlarged one became are neighbours, whose gradients are added up: together
// they are one convolution of that stride, with a weight that is the sum of as
// many shifted ones.
class InputGradient {
public:
  InputGradient(OpBuilder& builder, Conv2dOp op) : builder_(builder), op_(op) {}

  Value emit(Value dy) {
    auto in = shapeOf(op_.getInput()), weight = shapeOf(op_.getWeight());
    int64_t factor = op_.getUpsample();
    dy = spread(spread(dy, 2), 1);
    SmallVector<int64_t> padding(4);
    for (int axis : {0, 1}) {
      int64_t before = weight[2 + axis] - 1 - op_.getPadding()[axis];
      int64_t after = in[1 + axis] * factor + op_.getPadding()[axis] -
                      shapeOf(dy)[1 + axis];
      // What met padding alone has no part in it.
      dy = cut(dy, 1 + axis, std::max<int64_t>(0, -before),
               std::max<int64_t>(0, -after));
      padding[axis] = std::max<int64_t>(0, before);
      padding[2 + axis] = std::max<int64_t>(0, after);
    }
    return Conv2dOp::create(builder_, loc(), dy, sumOfShifted(factor), factor,
                            padding, 1, !op_.getTransposed());
  }

private:
  Location loc() { return op_.getLoc(); }
  Value reshape(Value x, ArrayRef<int64_t> shape) {
    return builder_.createOrFold<ReshapeOp>(loc(), x, shape);
  }

  // Puts zeros behind each element of axis 1 or 2; as windows of a last axis,
  // which the memory plan can place.
  Value spread(Value x, int64_t axis) {
    if (op_.getStride() == 1)
      return x;
    SmallVector<int64_t> shape(shapeOf(x));
    int64_t inner =
        ShapedType::getNumElements(ArrayRef(shape).drop_front(axis + 1));
    int64_t outer = tensorOf(x).getNumElements() / inner;
    auto type = tensorOf(x).clone({outer, (op_.getStride() - 1) * inner});
    Value zeros = ConstantOp::create(builder_, loc(), type, 0.0);
    Value flat = reshape(x, {outer, inner});
    shape[axis] *= op_.getStride();
    return reshape(
        ConcatOp::create(builder_, loc(), ValueRange{flat, zeros}, 1), shape);
  }

  // Leaves out elements of an axis at its beginning and its end.
  Value cut(Value x, int64_t axis, int64_t before, int64_t after) {
    return builder_.createOrFold<SliceOp>(loc(), x, axis, before,
                                          shapeOf(x)[axis] - before - after);
  }

  // The sum of the weight shifted by 0 to factor - 1 taps along each axis.
  Value sumOfShifted(int64_t factor) {
    Value weight = op_.getWeight();
    if (factor == 1)
      return weight;
    SmallVector<int64_t> shape(shapeOf(weight));
    weight =
        builder_.createOrFold<CastOp>(loc(), weight, builder_.getF32Type());
    for (int axis : {3, 2}) {
      int64_t inner = axis == 2 ? shape[3] : 1;
      int64_t line = shape[axis] * inner;
      int64_t lines = ShapedType::getNumElements(shape) / line;
      weight = reshape(weight, {lines, line});
      Value sum;
      for (int64_t shift = 0; shift < factor; ++shift) {
        Value shifted =
            widen(weight, shift * inner, (factor - 1 - shift) * inner);
        sum = sum ? BinaryOp::create(builder_, loc(), "add", sum, shifted)
                  : shifted;
      }
      shape[axis] += factor - 1;
      weight = reshape(sum, shape);
    }
    return weight;
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

  OpBuilder& builder_;
  Conv2dOp op_;
};

// The weight [O, C, ..] as a transposed one, [C, O, ..] with taps in reverse.
Value turn(OpBuilder& builder, Location location, Value weight) {
  SmallVector<int64_t> shape(shapeOf(weight));
  int64_t taps = shape[2] * shape[3];
  Value rows = builder.createOrFold<ReshapeOp>(
      location, weight, ArrayRef<int64_t>{shape[0] * shape[1], taps});
  SmallVector<Value> columns;
  for (int64_t tap = taps - 1; tap >= 0; --tap)
    columns.push_back(builder.createOrFold<SliceOp>(location, rows, 1, tap, 1));
  Value turned = builder.createOrFold<ConcatOp>(location, columns, 1);
  turned = builder.createOrFold<ReshapeOp>(location, turned, shape);
  return TransposeOp::create(builder, location, turned,
                             ArrayRef<int64_t>{1, 0, 2, 3});
}

// dW by its own op. The weight of a transposed convolution is that of another,
// whose input and result are dY and X, if there are no strides.
Value weightGradient(OpBuilder& builder, Conv2dOp op, Value dy) {
  auto kernel = shapeOf(op.getWeight()).drop_front(2);
  Value x = op.getInput();
  SmallVector<int64_t> padding(op.getPadding()), inverse(padding);
  for (auto [i, extent] : llvm::enumerate(inverse))
    extent = kernel[i % 2] - 1 - extent;
  bool swaps =
      op.getTransposed() && op.getStride() == 1 && op.getUpsample() == 1 &&
      llvm::all_of(inverse, [](int64_t extent) { return extent >= 0; });
  if (swaps) {
    std::swap(x, dy);
    padding = inverse;
  }
  Value dw =
      Conv2dWeightGradientOp::create(builder, op.getLoc(), x, dy, kernel,
                                     op.getStride(), padding, op.getUpsample());
  if (op.getTransposed() && !swaps)
    dw = turn(builder, op.getLoc(), dw);
  return builder.createOrFold<CastOp>(op.getLoc(), dw,
                                      elementOf(op.getWeight()));
}

} // namespace

FailureOr<SmallVector<Value>> Conv2dOp::vjp(OpBuilder& builder,
                                            ValueRange cotangents,
                                            ArrayRef<bool> needed) {
  SmallVector<Value> gradients(2);
  if (needed[0])
    gradients[0] = InputGradient(builder, *this).emit(cotangents[0]);
  if (needed[1])
    gradients[1] = weightGradient(builder, *this, cotangents[0]);
  return gradients;
}

FailureOr<LibraryCall> Conv2dOp::libraryCall() {
  return contraction(*this, getInput(), getWeight(),
                     convolution(getInput(), getWeight(), getOutput(),
                                 getStride(), getPadding(), getUpsample()),
                     getTransposed());
}

Cost Conv2dOp::cost() {
  auto weight = shapeOf(getWeight());
  int64_t results = tensorOf(getOutput()).getNumElements();
  int64_t channels = shapeOf(getInput())[3];
  return {2 * results * channels * weight[2] * weight[3], trafficBytes(*this)};
}

} // namespace burin
