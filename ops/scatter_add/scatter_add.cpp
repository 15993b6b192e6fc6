// SPDX-License-Identifier: Apache-2.0
// Sums of rows by number: inference, lowering, gradient and cost.
#include "compiler/dialect/dialect.h"
#include "compiler/dialect/lowering.h"
#include "compiler/dialect/term.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;

namespace burin {

LogicalResult ScatterAddOp::inferReturnTypes(MLIRContext*,
                                             std::optional<Location> location,
                                             Adaptor op,
                                             SmallVectorImpl<Type>& types) {
  auto input = tensorOf(op.getInput());
  if (input.getRank() != 3)
    return reject<ScatterAddOp>(location, "input is [", input.getShape(),
                                "], needs [batch, n, width]");
  if (shapeOf(op.getIds()) != input.getShape().drop_back())
    return reject<ScatterAddOp>(location, "ids is [", shapeOf(op.getIds()),
                                "], needs [", input.getShape().drop_back(),
                                "]");
  if (op.getRows() < 0)
    return reject<ScatterAddOp>(location, "cannot have ", op.getRows(),
                                " rows");
  types.push_back(
      input.clone({input.getDimSize(0), op.getRows(), input.getDimSize(2)}));
  return success();
}

// Each row of the result looks at every id: loops (batch, row, column, i).
FailureOr<SmallVector<Value>> ScatterAddOp::lower(OpBuilder& builder) {
  auto type = tensorOf(getOutput());
  AffineExpr batch, row, column, i;
  bindDims(getContext(), batch, row, column, i);
  auto map = [&](ArrayRef<AffineExpr> exprs) {
    return AffineMap::get(4, 0, exprs, getContext());
  };
  auto wide = computeTensor(type.getShape(), type.getElementType());
  Type compute = wide.getElementType();
  Value sums = emitReduction(
      builder, getLoc(), {wide, map({batch, row, column})},
      builder.getFloatAttr(compute, 0),
      {Input{getIds(), map({batch, i})},
       Input{getInput(), map({batch, i, column})}},
      [&](OpBuilder& inner, Location at, ValueRange x) -> Value {
        Value number = arith::IndexCastOp::create(
            inner, at, x[1].getType(), linalg::IndexOp::create(inner, at, 1));
        Value isThis = arith::CmpIOp::create(
            inner, at, arith::CmpIPredicate::eq, x[1], number);
        Value zero = arith::ConstantOp::create(inner, at,
                                               inner.getFloatAttr(compute, 0));
        Value addend = arith::SelectOp::create(
            inner, at, isThis, convertScalar(inner, at, x[2], compute), zero);
        return arith::AddFOp::create(inner, at, x[0], addend);
      });
  if (wide != type)
    sums = emitFloatMap(builder, getLoc(), type,
                        Input{sums, builder.getMultiDimIdentityMap(3)},
                        [](ArrayRef<Scalar> x) { return x[0]; });
  return SmallVector<Value>{sums};
}

// Row i of dinput is row ids[i] of g, in each batch. Ids move up by one to be
// numbers of rows of g between two rows of zeros, to which those outside go.
FailureOr<SmallVector<Value>>
ScatterAddOp::vjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool>) {
  auto type = tensorOf(getInput());
  auto shape = type.getShape();
  if (type.getNumElements() == 0)
    return SmallVector<Value>{ConstantOp::create(builder, getLoc(), type, 0.0),
                              Value()};
  auto reshaped = [&](Value x, ArrayRef<int64_t> to) {
    return builder.createOrFold<ReshapeOp>(getLoc(), x, to);
  };
  auto idOp = [&](StringRef kind, Value ids, int64_t number) -> Value {
    auto scalar = RankedTensorType::get({}, elementOf(ids));
    Value other = ConstantOp::create(builder, getLoc(), scalar, number);
    return BinaryOp::create(builder, getLoc(), kind, ids, other);
  };
  Value ids = idOp("min", idOp("max", getIds(), -1), getRows());
  ids = idOp("add", ids, 1);
  Value zeros =
      ConstantOp::create(builder, getLoc(), type.clone({1, shape[2]}), 0.0);
  SmallVector<Value> items;
  for (int64_t n = 0; n < shape[0]; ++n) {
    auto item = [&](Value x) {
      Value one = builder.createOrFold<SliceOp>(getLoc(), x, 0, n, 1);
      return reshaped(one, shapeOf(one).drop_front());
    };
    SmallVector<Value> table{zeros, item(cotangents[0]), zeros};
    Value rows = EmbeddingOp::create(
        builder, getLoc(), builder.createOrFold<ConcatOp>(getLoc(), table, 0),
        item(ids));
    items.push_back(reshaped(rows, {1, shape[1], shape[2]}));
  }
  return SmallVector<Value>{builder.createOrFold<ConcatOp>(getLoc(), items, 0),
                            Value()};
}

// One addition for each element of the operand.
Cost ScatterAddOp::cost() {
  return {tensorOf(getInput()).getNumElements(), trafficBytes(*this)};
}

} // namespace burin
