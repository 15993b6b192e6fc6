// SPDX-License-Identifier: Apache-2.0
// Elementwise functions of two operands: inference and lowering.
#include "compiler/dialect/dialect.h"
#include "compiler/dialect/lowering.h"

using namespace mlir;

namespace burin {

template <typename Op>
static Value emit(OpBuilder& builder, Location location, Value a, Value b) {
  return Op::create(builder, location, a, b);
}

namespace {
using Emit = Value (*)(OpBuilder&, Location, Value, Value);
struct Row {
  StringRef kind;
  Emit onFloats;
  Emit onIntegers; // null: floats only
};
} // namespace

static const Row kRows[] = {
    {"add", emit<arith::AddFOp>, emit<arith::AddIOp>},
    {"div", emit<arith::DivFOp>, nullptr},
    {"max", emit<arith::MaximumFOp>, emit<arith::MaxSIOp>},
    {"min", emit<arith::MinimumFOp>, emit<arith::MinSIOp>},
    {"mul", emit<arith::MulFOp>, emit<arith::MulIOp>},
    {"pow", emit<math::PowFOp>, nullptr},
    {"sub", emit<arith::SubFOp>, emit<arith::SubIOp>},
};

static const Row* findRow(StringRef kind) {
  const Row* row = llvm::find_if(
      kRows, [&](const Row& candidate) { return candidate.kind == kind; });
  return row == std::end(kRows) ? nullptr : row;
}

LogicalResult BinaryOp::inferReturnTypes(MLIRContext*,
                                         std::optional<Location> location,
                                         Adaptor op,
                                         SmallVectorImpl<Type>& types) {
  const Row* row = findRow(op.getKind());
  if (!row)
    return reject<BinaryOp>(location, "has no kind '", op.getKind(), "'");
  Type element = elementOf(op.getLhs());
  if (elementOf(op.getRhs()) != element)
    return reject<BinaryOp>(location, "operands hold ", element, " and ",
                            elementOf(op.getRhs()), "; cast one");
  if (!row->onIntegers && !isa<FloatType>(element))
    return reject<BinaryOp>(location, "kind '", op.getKind(),
                            "' needs floats, not ", element);
  auto shape = broadcastShapes(shapeOf(op.getLhs()), shapeOf(op.getRhs()));
  if (!shape)
    return reject<BinaryOp>(location, "shapes [", shapeOf(op.getLhs()),
                            "] and [", shapeOf(op.getRhs()),
                            "] do not broadcast");
  types.push_back(RankedTensorType::get(*shape, element));
  return success();
}

FailureOr<SmallVector<Value>> BinaryOp::lower(OpBuilder& builder) {
  auto type = tensorOf(getOutput());
  auto input = [&](Value tensor) {
    return Input{tensor,
                 broadcastMap(getContext(), shapeOf(tensor), type.getRank())};
  };
  Input inputs[] = {input(getLhs()), input(getRhs())};
  Type element = type.getElementType();
  Type compute = computeType(element);
  const Row* row = findRow(getKind());
  Emit emitKind = isa<FloatType>(element) ? row->onFloats : row->onIntegers;
  Value result = emitMap(
      builder, getLoc(), type, inputs,
      [&](OpBuilder& inner, Location at, ValueRange elements) {
        Value a = convertScalar(inner, at, elements[0], compute);
        Value b = convertScalar(inner, at, elements[1], compute);
        return convertScalar(inner, at, emitKind(inner, at, a, b), element);
      });
  return SmallVector<Value>{result};
}

} // namespace burin
