// SPDX-License-Identifier: Apache-2.0
// Joining along an axis: inference, folding, windows, lowering and
// gradient.
#include "compiler/dialect/dialect.h"
#include "compiler/dialect/inference.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace burin {

LogicalResult ConcatOp::inferReturnTypes(MLIRContext*,
                                         std::optional<Location> location,
                                         Adaptor op,
                                         SmallVectorImpl<Type>& types) {
  if (op.getInputs().empty())
    return reject<ConcatOp>(location, "needs at least one operand");
  auto first = tensorOf(op.getInputs().front());
  int64_t axis = op.getAxis();
  if (axis < 0 || axis >= first.getRank())
    return reject<ConcatOp>(location, "axis ", axis, " is not one of ",
                            first.getRank());
  SmallVector<int64_t> shape(first.getShape());
  for (Value input : op.getInputs().drop_front()) {
    auto type = tensorOf(input);
    SmallVector<int64_t> other(type.getShape());
    if (type.getRank() == first.getRank())
      other[axis] = first.getDimSize(axis);
    if (first.clone(other) != first ||
        type.getElementType() != first.getElementType())
      return reject<ConcatOp>(location, "joins ", first, " and ", type,
                              "; only axis ", axis, " may differ");
    shape[axis] += type.getDimSize(axis);
  }
  types.push_back(first.clone(shape));
  return success();
}

OpFoldResult ConcatOp::fold(FoldAdaptor) {
  return getInputs().size() == 1 ? getInputs().front() : Value();
}

bool ConcatOp::gathers() {
  return true;
}

std::optional<Window> ConcatOp::window() {
  Window window{getAxis(), {}};
  int64_t start = 0;
  for (Value input : getInputs()) {
    window.starts.push_back(start);
    start += shapeOf(input)[getAxis()];
  }
  return window;
}

FailureOr<SmallVector<Value>> ConcatOp::lower(OpBuilder& builder) {
  auto type = tensorOf(getOutput());
  Value result = tensor::EmptyOp::create(builder, getLoc(), type.getShape(),
                                         type.getElementType());
  SmallVector<OpFoldResult> offsets(type.getRank(), builder.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(type.getRank(), builder.getIndexAttr(1));
  Window whole = *window();
  for (auto [input, start] : llvm::zip(getInputs(), whole.starts)) {
    offsets[getAxis()] = builder.getIndexAttr(start);
    auto sizes = getAsIndexOpFoldResult(getContext(), shapeOf(input));
    result = tensor::InsertSliceOp::create(builder, getLoc(), input, result,
                                           offsets, sizes, strides);
  }
  return SmallVector<Value>{result};
}

// dx is the window of g where x lies.
FailureOr<SmallVector<Value>> ConcatOp::vjp(OpBuilder& builder,
                                            ValueRange cotangents,
                                            ArrayRef<bool> needed) {
  Window whole = *window();
  SmallVector<Value> answer(getInputs().size());
  for (auto [i, input] : llvm::enumerate(getInputs()))
    if (needed[i])
      answer[i] = builder.createOrFold<SliceOp>(getLoc(), cotangents[0],
                                                getAxis(), whole.starts[i],
                                                shapeOf(input)[getAxis()]);
  return answer;
}

Cost ConcatOp::cost() {
  return movementCost(*this);
}

} // namespace burin
