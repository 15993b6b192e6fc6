// SPDX-License-Identifier: Apache-2.0
// Attention: inference, gradient, kernel and cost.
#include "compiler/dialect/dialect.h"
#include "compiler/dialect/inference.h"
#include "compiler/dialect/library.h"

using namespace mlir;

namespace burin {

LogicalResult AttentionOp::inferReturnTypes(MLIRContext*,
                                            std::optional<Location> location,
                                            Adaptor op,
                                            SmallVectorImpl<Type>& types) {
  auto query = tensorOf(op.getQuery());
  auto key = tensorOf(op.getKey());
  if (query.getRank() != 3 || key.getRank() != 3)
    return reject<AttentionOp>(location,
                               "operands need [batch, tokens, width]");
  if (op.getValue().getType() != key)
    return reject<AttentionOp>(location, "key is ", key, " and value ",
                               op.getValue().getType(), ", needs one type");
  if (key.getDimSize(0) != query.getDimSize(0) ||
      key.getDimSize(2) != query.getDimSize(2) ||
      key.getElementType() != query.getElementType())
    return reject<AttentionOp>(location, "query is ", query, " and key ", key,
                               "; only tokens may differ");
  int64_t width = query.getDimSize(2);
  if (op.getHeads() < 1 || width % op.getHeads() != 0)
    return reject<AttentionOp>(location, op.getHeads(),
                               " heads do not divide a width of ", width);
  if (op.getCausal() && key.getDimSize(1) != query.getDimSize(1))
    return reject<AttentionOp>(location, "is causal over ", query.getDimSize(1),
                               " queries and ", key.getDimSize(1),
                               " keys, needs as many");
  types.push_back(query);
  return success();
}

// All three by one op, which has the formulas.
FailureOr<SmallVector<Value>> AttentionOp::vjp(OpBuilder& builder,
                                               ValueRange cotangents,
                                               ArrayRef<bool> needed) {
  auto all = AttentionGradientOp::create(
      builder, getLoc(), getQuery(), getKey(), getValue(), getOutput(),
      cotangents[0], getHeads(), getScale(), getCausal());
  SmallVector<Value> gradients(all.getResults());
  for (auto [gradient, wanted] : llvm::zip(gradients, needed))
    if (!wanted)
      gradient = {};
  return gradients;
}

FailureOr<LibraryCall> AttentionOp::libraryCall() {
  auto kernel = kernelFor(*this, "attention", getQuery());
  if (failed(kernel))
    return failure();
  LibraryCall call;
  call.kernel = *kernel;
  call.operands = {getQuery(), getKey(), getValue()};
  call.params = attentionParams(getQuery(), getKey(), getHeads(), getCausal(),
                                getScale());
  return call;
}

// Two products of [queries, keys] by width, of which a causal mask needs half,
// and a softmax.
Cost AttentionOp::cost() {
  auto query = shapeOf(getQuery());
  int64_t pairs = attentionPairs(getQuery(), getKey(), getCausal());
  return {query[0] * pairs * (4 * query[2] + 5 * getHeads()),
          trafficBytes(*this)};
}

} // namespace burin
