// SPDX-License-Identifier: Apache-2.0
// Choices between elements: inference, lowering and gradient.
#include "compiler/dialect/dialect.h"
#include "compiler/dialect/lowering.h"
#include "compiler/dialect/term.h"

using namespace mlir;

namespace burin {

LogicalResult SelectOp::inferReturnTypes(MLIRContext*,
                                         std::optional<Location> location,
                                         Adaptor op,
                                         SmallVectorImpl<Type>& types) {
  Type element = elementOf(op.getOnTrue());
  SmallVector<int64_t> shape;
  for (Value operand : op.getOperands()) {
    if (elementOf(operand) != element)
      return reject<SelectOp>(location, "operands hold ", element, " and ",
                              elementOf(operand), "; cast one");
    auto both = broadcastShapes(shape, shapeOf(operand));
    if (!both)
      return reject<SelectOp>(location, "shapes [", shape, "] and [",
                              shapeOf(operand), "] do not broadcast");
    shape = *both;
  }
  types.push_back(RankedTensorType::get(shape, element));
  return success();
}

FailureOr<SmallVector<Value>> SelectOp::lower(OpBuilder& builder) {
  auto type = tensorOf(getOutput());
  SmallVector<Input> inputs;
  for (Value operand : getOperands())
    inputs.push_back({operand, broadcastMap(getContext(), shapeOf(operand),
                                            type.getRank())});
  Value result =
      emitFloatMap(builder, getLoc(), type, inputs, [](ArrayRef<Scalar> x) {
        return select(isNonZero(x[0]), x[1], x[2]);
      });
  return SmallVector<Value>{result};
}

// g flows to what was chosen: a select again, since infinity times 0 is NaN.
FailureOr<SmallVector<Value>> SelectOp::vjp(OpBuilder& builder,
                                            ValueRange cotangents,
                                            ArrayRef<bool> needed) {
  Value g = cotangents[0];
  Value zero = ConstantOp::create(builder, getLoc(),
                                  RankedTensorType::get({}, elementOf(g)), 0.0);
  auto share = [&](Value operand, Value ifTrue, Value ifFalse) {
    Value chosen =
        SelectOp::create(builder, getLoc(), getCondition(), ifTrue, ifFalse);
    return Term(builder, getLoc(), chosen).as(operand);
  };
  SmallVector<Value> answer(3);
  if (needed[1])
    answer[1] = share(getOnTrue(), g, zero);
  if (needed[2])
    answer[2] = share(getOnFalse(), zero, g);
  return answer;
}

} // namespace burin
