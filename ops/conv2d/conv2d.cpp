// SPDX-License-Identifier: Apache-2.0
// Convolution: inference, canonical form, kernel and cost.
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
  if (weight.size() != 4 || weight[1] != channels || weight[2] < 1 ||
      weight[3] < 1)
    return reject<Conv2dOp>(location, "weight is [", weight, "], needs [",
                            "outputs, ", channels, ", height, width]");
  if (op.getStride() < 1 || op.getUpsample() < 1)
    return reject<Conv2dOp>(location, "stride and upsample need at least 1");
  if (padding.size() != 4 ||
      llvm::any_of(padding, [](int64_t extent) { return extent < 0; }))
    return reject<Conv2dOp>(location, "padding is [", padding,
                            "], needs four extents of at least 0");
  SmallVector<int64_t> shape(input.getShape());
  shape[3] = weight[0];
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

FailureOr<LibraryCall> Conv2dOp::libraryCall() {
  auto in = shapeOf(getInput());
  auto out = shapeOf(getOutput());
  auto weight = shapeOf(getWeight());
  return contraction(*this, getInput(), getWeight(),
                     {.batch = in[0],
                      .outHeight = out[1],
                      .outWidth = out[2],
                      .inHeight = in[1],
                      .inWidth = in[2],
                      .channels = in[3],
                      .kernelHeight = weight[2],
                      .kernelWidth = weight[3],
                      .stride = getStride(),
                      .padTop = getPadding()[0],
                      .padLeft = getPadding()[1],
                      .upsample = getUpsample(),
                      .outChannels = weight[0]});
}

Cost Conv2dOp::cost() {
  auto weight = shapeOf(getWeight());
  int64_t results = tensorOf(getOutput()).getNumElements();
  return {2 * results * weight[1] * weight[2] * weight[3], trafficBytes(*this)};
}

} // namespace burin
