// SPDX-License-Identifier: Apache-2.0
// The gradients of attention: inference, kernel and cost.
#include "compiler/dialect/dialect.h"
#include "compiler/dialect/inference.h"
#include "compiler/dialect/library.h"

using namespace mlir;

namespace burin {

LogicalResult
AttentionGradientOp::inferReturnTypes(MLIRContext*, std::optional<Location>,
                                      Adaptor op,
                                      SmallVectorImpl<Type>& types) {
  for (Value operand : {op.getQuery(), op.getKey(), op.getValue()})
    types.push_back(operand.getType());
  return success();
}

LogicalResult AttentionGradientOp::verify() {
  // The op that this is the gradient of has the preconditions.
  SmallVector<Type> outputs;
  AttentionOp::Properties properties;
  properties.heads = getHeads();
  properties.scale = getScale();
  properties.causal = getCausal();
  if (failed(AttentionOp::inferReturnTypes(
          getContext(), getLoc(), getOperands().take_front(3), DictionaryAttr(),
          &properties, {}, outputs)))
    return failure();
  for (Value operand : {getOutput(), getCotangent()})
    if (operand.getType() != outputs[0])
      return emitOpError("output and cotangent are ")
             << getOutput().getType() << " and " << getCotangent().getType()
             << ", the result of attention is " << outputs[0];
  return success();
}

FailureOr<LibraryCall> AttentionGradientOp::libraryCall() {
  auto kernel = kernelFor(*this, "attention_gradient", getQuery());
  if (failed(kernel))
    return failure();
  LibraryCall call;
  call.kernel = *kernel;
  llvm::append_range(call.operands, getOperands());
  call.params = attentionParams(getQuery(), getKey(), getHeads(), getCausal(),
                                getScale());
  return call;
}

// Five products of [queries, keys] by width, of which a causal mask needs half,
// a softmax and its gradient.
Cost AttentionGradientOp::cost() {
  auto query = shapeOf(getQuery());
  int64_t pairs = attentionPairs(getQuery(), getKey(), getCausal());
  return {query[0] * pairs * (10 * query[2] + 8 * getHeads()),
          trafficBytes(*this)};
}

} // namespace burin
