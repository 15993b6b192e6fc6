// SPDX-License-Identifier: Apache-2.0
// Elementwise functions of two operands: inference, lowering and gradient.
#include "compiler/dialect/dialect.h"
#include "compiler/dialect/lowering.h"
#include "compiler/dialect/term.h"

using namespace mlir;

namespace burin {

template <typename Op>
static Value emit(OpBuilder& builder, Location location, Value a, Value b) {
  return Op::create(builder, location, a, b);
}

static Value emitGreater(OpBuilder& builder, Location location, Value a,
                         Value b) {
  auto number = [&](double value) -> Value {
    return arith::ConstantOp::create(builder, location,
                                     builder.getFloatAttr(a.getType(), value));
  };
  Value test =
      arith::CmpFOp::create(builder, location, arith::CmpFPredicate::OGT, a, b);
  return arith::SelectOp::create(builder, location, test, number(1), number(0));
}

// What of the gradient of max(a, b) is a's: all, none or, of equals, half.
static Term largerShare(const Term& a, const Term& b) {
  return (greater(a, b) - greater(b, a) + 1) * 0.5;
}

namespace {
using Emit = Value (*)(OpBuilder&, Location, Value, Value);
// The gradient of one operand of f(a, b), from the result's, g.
using Partial = Term (*)(const Term& g, const Term& a, const Term& b);
struct Row {
  StringRef kind;
  Emit onFloats;
  Emit onIntegers; // null: floats only
  Partial lhs;     // null: nothing flows
  Partial rhs;
};
} // namespace

static Term whole(const Term& g, const Term&, const Term&) {
  return g;
}

// d a/b = da / b - (a/b) db / b
static Term overDivisor(const Term& g, const Term&, const Term& b) {
  return g / b;
}
static Term ofDivisor(const Term& g, const Term& a, const Term& b) {
  return -(g / b) * (a / b);
}

static Term ofLarger(const Term& g, const Term& a, const Term& b) {
  return g * largerShare(a, b);
}
static Term ofSmaller(const Term& g, const Term& a, const Term& b) {
  return g * largerShare(b, a);
}

static Term timesLhs(const Term& g, const Term& a, const Term&) {
  return g * a;
}
static Term timesRhs(const Term& g, const Term&, const Term& b) {
  return g * b;
}

// d a^b = b a^(b-1) da + a^b ln(a) db
static Term ofBase(const Term& g, const Term& a, const Term& b) {
  return g * b * a.binary("pow", b - 1);
}
static Term ofExponent(const Term& g, const Term& a, const Term& b) {
  return g * a.binary("pow", b) * a.unary("log");
}

static Term negated(const Term& g, const Term&, const Term&) {
  return -g;
}

static const Row kRows[] = {
    {"add", emit<arith::AddFOp>, emit<arith::AddIOp>, whole, whole},
    {"div", emit<arith::DivFOp>, nullptr, overDivisor, ofDivisor},
    {"greater", emitGreater, nullptr, nullptr, nullptr},
    {"max", emit<arith::MaximumFOp>, emit<arith::MaxSIOp>, ofLarger, ofSmaller},
    {"min", emit<arith::MinimumFOp>, emit<arith::MinSIOp>, ofSmaller, ofLarger},
    {"mul", emit<arith::MulFOp>, emit<arith::MulIOp>, timesRhs, timesLhs},
    {"pow", emit<math::PowFOp>, nullptr, ofBase, ofExponent},
    {"sub", emit<arith::SubFOp>, emit<arith::SubIOp>, whole, negated},
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

FailureOr<SmallVector<Value>> BinaryOp::vjp(OpBuilder& builder,
                                            ValueRange cotangents,
                                            ArrayRef<bool> needed) {
  const Row* row = findRow(getKind());
  Term g(builder, getLoc(), cotangents[0]);
  auto partial = [&](unsigned operand, Partial of) {
    if (!needed[operand] || !of)
      return Value();
    return of(g, g.with(getLhs()), g.with(getRhs())).as(getOperand(operand));
  };
  return SmallVector<Value>{partial(0, row->lhs), partial(1, row->rhs)};
}

} // namespace burin
