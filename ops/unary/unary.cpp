// SPDX-License-Identifier: Apache-2.0
// Elementwise functions of one operand: inference, lowering and gradient.
#include "compiler/dialect/dialect.h"
#include "compiler/dialect/lowering.h"
#include "compiler/dialect/term.h"

#include <limits>
#include <numbers>

using namespace mlir;

namespace burin {

// Where exp(-x) is infinite the result is below every normal number.
static Scalar sigmoid(const Scalar& x) {
  return 1.0 / (exp(-x) + 1);
}

static Scalar gelu(const Scalar& x) {
  return x * 0.5 * (erf(x * std::numbers::sqrt2 / 2) + 1);
}

static Scalar geluTanh(const Scalar& x) {
  const double slope = std::numbers::sqrt2 * std::numbers::inv_sqrtpi;
  return x * 0.5 * (tanh((x + x * x * x * 0.044715) * slope) + 1);
}

// 1 or 0; NaN compares with nothing.
static Scalar isFinite(const Scalar& x) {
  double infinity = std::numeric_limits<double>::infinity();
  return select(abs(x).compare(arith::CmpFPredicate::OLT, infinity),
                x.constant(1), x.constant(0));
}

// The derivatives.

static Term sigmoid(const Term& x) {
  return x.unary("sigmoid");
}

// d sigmoid = s (1 - s)
static Term sigmoidSlope(const Term& x) {
  Term s = sigmoid(x);
  return s * (1 - s);
}

// d x sigmoid(a x) = s (1 + a x (1 - s))
static Term swishSlope(const Term& x, double a) {
  Term ax = a == 1 ? x : x * a;
  Term s = sigmoid(ax);
  return s * (ax * (1 - s) + 1);
}

// d erf = 2 / sqrt(pi) exp(-x^2)
static Term erfSlope(const Term& x) {
  return (-x.unary("square")).unary("exp") * (2 * std::numbers::inv_sqrtpi);
}

// d x F(x) = F + x F', F(x) = (1 + erf(x / sqrt(2))) / 2
static Term geluSlope(const Term& x) {
  Term scaled = x * (std::numbers::sqrt2 / 2);
  return (scaled.unary("erf") + 1) * 0.5 + scaled * erfSlope(scaled) * 0.5;
}

// d tanh = 1 - tanh^2
static Term tanhSlope(const Term& x) {
  return 1 - x.unary("tanh").unary("square");
}

// d x F(x) = F + x F', F(x) = (1 + tanh u) / 2, u = c (x + b x^3)
static Term geluTanhSlope(const Term& x) {
  const double c = std::numbers::sqrt2 * std::numbers::inv_sqrtpi;
  const double b = 0.044715;
  Term square = x.unary("square");
  Term u = x * (square * b + 1) * c;
  return (u.unary("tanh") + 1) * 0.5 +
         x * tanhSlope(u) * (square * (3 * b) + 1) * (c / 2);
}

// d |x| = sign(x), zero at zero
static Term absSlope(const Term& x) {
  Term zero = x.constant(0);
  return greater(x, zero) - greater(zero, x);
}

// d x^-1 = -x^-2
static Term reciprocalSlope(const Term& x) {
  return -x.unary("reciprocal").unary("square");
}

// d x^-1/2 = -1/2 (x^-1/2)^3
static Term rsqrtSlope(const Term& x) {
  Term r = x.unary("rsqrt");
  return r * r * r * -0.5;
}

namespace {
struct Row {
  StringRef kind;
  Scalar (*emit)(const Scalar& x);
  Term (*slope)(const Term& x); // null: nothing flows
};
} // namespace

static const Row kRows[] = {
    {"abs", abs, absSlope},
    {"cos", [](const Scalar& x) { return x.apply<math::CosOp>(); },
     [](const Term& x) { return -x.unary("sin"); }},
    {"erf", erf, erfSlope},
    {"exp", exp, [](const Term& x) { return x.unary("exp"); }},
    {"gelu", gelu, geluSlope},
    {"gelu_tanh", geluTanh, geluTanhSlope},
    {"is_finite", isFinite, nullptr},
    {"log", [](const Scalar& x) { return x.apply<math::LogOp>(); },
     [](const Term& x) { return x.unary("reciprocal"); }},
    {"neg", [](const Scalar& x) { return -x; },
     [](const Term& x) { return x.constant(-1); }},
    {"quick_gelu", [](const Scalar& x) { return x * sigmoid(x * 1.702); },
     [](const Term& x) { return swishSlope(x, 1.702); }},
    {"reciprocal", [](const Scalar& x) { return 1.0 / x; }, reciprocalSlope},
    {"rsqrt", rsqrt, rsqrtSlope},
    {"sigmoid", sigmoid, sigmoidSlope},
    {"silu", [](const Scalar& x) { return x * sigmoid(x); },
     [](const Term& x) { return swishSlope(x, 1); }},
    {"sin", [](const Scalar& x) { return x.apply<math::SinOp>(); },
     [](const Term& x) { return x.unary("cos"); }},
    {"sqrt", [](const Scalar& x) { return x.apply<math::SqrtOp>(); },
     [](const Term& x) { return x.unary("rsqrt") * 0.5; }},
    {"square", [](const Scalar& x) { return x * x; },
     [](const Term& x) { return x * 2; }},
    {"tanh", tanh, tanhSlope},
};

static const Row* findRow(StringRef kind) {
  const Row* row = llvm::find_if(
      kRows, [&](const Row& candidate) { return candidate.kind == kind; });
  return row == std::end(kRows) ? nullptr : row;
}

LogicalResult UnaryOp::inferReturnTypes(MLIRContext*,
                                        std::optional<Location> location,
                                        Adaptor op,
                                        SmallVectorImpl<Type>& types) {
  if (!findRow(op.getKind()))
    return reject<UnaryOp>(location, "has no kind '", op.getKind(), "'");
  types.push_back(op.getInput().getType());
  return success();
}

FailureOr<SmallVector<Value>> UnaryOp::lower(OpBuilder& builder) {
  auto type = tensorOf(getOutput());
  Input input{getInput(), builder.getMultiDimIdentityMap(type.getRank())};
  const Row* row = findRow(getKind());
  return SmallVector<Value>{
      emitFloatMap(builder, getLoc(), type, input,
                   [&](ArrayRef<Scalar> x) { return row->emit(x[0]); })};
}

// dx = g f'(x)
FailureOr<SmallVector<Value>>
UnaryOp::vjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool>) {
  const Row* row = findRow(getKind());
  if (!row->slope)
    return SmallVector<Value>{Value()};
  Term g(builder, getLoc(), cotangents[0]);
  return SmallVector<Value>{
      (g * row->slope(g.with(getInput()))).as(getInput())};
}

} // namespace burin
