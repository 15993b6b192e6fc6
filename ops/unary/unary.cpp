// SPDX-License-Identifier: Apache-2.0
// Elementwise functions of one operand: inference and lowering.
#include "compiler/dialect/dialect.h"
#include "compiler/dialect/lowering.h"

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

namespace {
struct Row {
  StringRef kind;
  Scalar (*emit)(const Scalar& x);
};
} // namespace

static const Row kRows[] = {
    {"abs", abs},
    {"cos", [](const Scalar& x) { return x.apply<math::CosOp>(); }},
    {"erf", erf},
    {"exp", exp},
    {"gelu", gelu},
    {"gelu_tanh", geluTanh},
    {"log", [](const Scalar& x) { return x.apply<math::LogOp>(); }},
    {"neg", [](const Scalar& x) { return -x; }},
    {"quick_gelu", [](const Scalar& x) { return x * sigmoid(x * 1.702); }},
    {"reciprocal", [](const Scalar& x) { return 1.0 / x; }},
    {"rsqrt", rsqrt},
    {"sigmoid", sigmoid},
    {"silu", [](const Scalar& x) { return x * sigmoid(x); }},
    {"sin", [](const Scalar& x) { return x.apply<math::SinOp>(); }},
    {"sqrt", [](const Scalar& x) { return x.apply<math::SqrtOp>(); }},
    {"square", [](const Scalar& x) { return x * x; }},
    {"tanh", tanh},
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

} // namespace burin
