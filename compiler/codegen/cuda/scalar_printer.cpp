// SPDX-License-Identifier: Apache-2.0
// One line of CUDA C++ for each scalar operation.
#include "compiler/codegen/cuda/scalar_printer.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace burin {

StringRef registerType(Type element) {
  if (element.isF64())
    return "double";
  if (isa<FloatType>(element))
    return "float";
  if (element.isInteger(1))
    return "bool";
  return element.isInteger(32) || element.isInteger(8) ? "int" : "i64";
}

StringRef storageType(Type element) {
  if (element.isBF16())
    return "Bf16";
  if (element.isF16())
    return "F16";
  return element.isInteger(8) ? "u8" : registerType(element);
}

std::string printAffine(AffineExpr expr, ArrayRef<std::string> dims) {
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return dims[dim.getPosition()];
  if (auto number = dyn_cast<AffineConstantExpr>(expr))
    return std::to_string(number.getValue());
  auto pair = cast<AffineBinaryOpExpr>(expr);
  StringRef sign = expr.getKind() == AffineExprKind::Add   ? "+"
                   : expr.getKind() == AffineExprKind::Mul ? "*"
                   : expr.getKind() == AffineExprKind::Mod ? "%"
                                                           : "/";
  return llvm::formatv("({0} {1} {2})", printAffine(pair.getLHS(), dims), sign,
                       printAffine(pair.getRHS(), dims));
}

std::string ScalarPrinter::literal(TypedAttr value) {
  if (auto number = dyn_cast<FloatAttr>(value)) {
    APFloat exact = number.getValue();
    bool lost = false;
    exact.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &lost);
    double wide = exact.convertToDouble();
    bool isDouble = value.getType().isF64();
    uint64_t bits = llvm::bit_cast<uint64_t>(wide);
    if (isDouble)
      return llvm::formatv("__longlong_as_double({0:x}ll)", bits);
    auto narrow = llvm::bit_cast<uint32_t>(static_cast<float>(wide));
    return llvm::formatv("__uint_as_float({0:x}u)", narrow);
  }
  APInt number = cast<IntegerAttr>(value).getValue();
  if (value.getType().isInteger(1))
    return number.isZero() ? "false" : "true";
  // The least number of all has no literal.
  return llvm::formatv("(({0}){1:x}ull)", registerType(value.getType()),
                       static_cast<uint64_t>(number.getSExtValue()));
}

std::string ScalarPrinter::expression(Value value) {
  auto known = names_.find(value);
  if (known != names_.end())
    return known->second;
  // A constant from outside the generic.
  auto constant = cast<arith::ConstantOp>(value.getDefiningOp());
  return literal(cast<TypedAttr>(constant.getValue()));
}

std::string ScalarPrinter::mathCall(Operation& op, StringRef function) {
  std::string text = fast_ ? "fast::" : "";
  text += function;
  text += "(";
  for (auto [i, operand] : llvm::enumerate(op.getOperands()))
    text += (i ? ", " : "") + expression(operand);
  return text + ")";
}

static StringRef comparison(arith::CmpFPredicate predicate) {
  switch (predicate) {
  case arith::CmpFPredicate::OEQ:
    return "==";
  case arith::CmpFPredicate::OGT:
    return ">";
  case arith::CmpFPredicate::OGE:
    return ">=";
  case arith::CmpFPredicate::OLT:
    return "<";
  case arith::CmpFPredicate::OLE:
    return "<=";
  case arith::CmpFPredicate::UNE:
    return "!=";
  default:
    return "";
  }
}

static StringRef comparison(arith::CmpIPredicate predicate) {
  switch (predicate) {
  case arith::CmpIPredicate::eq:
    return "==";
  case arith::CmpIPredicate::ne:
    return "!=";
  case arith::CmpIPredicate::slt:
    return "<";
  case arith::CmpIPredicate::sle:
    return "<=";
  case arith::CmpIPredicate::sgt:
    return ">";
  case arith::CmpIPredicate::sge:
    return ">=";
  default:
    return "";
  }
}

static std::optional<APFloat> constantOf(Value value) {
  auto constant = value.getDefiningOp<arith::ConstantOp>();
  auto number = constant ? dyn_cast<FloatAttr>(constant.getValue()) : nullptr;
  return number ? std::optional<APFloat>(number.getValue()) : std::nullopt;
}

// A division takes ten times as long as a product: by a constant it is one
// where rounding allows, and of one it is a reciprocal.
std::string ScalarPrinter::quotient(Operation& op) {
  std::string x = expression(op.getOperand(0));
  std::optional<APFloat> above = constantOf(op.getOperand(0));
  std::optional<APFloat> below = constantOf(op.getOperand(1));
  bool single = op.getResult(0).getType().isF32();
  if (fast_ && single && below && below->isNormal()) {
    auto inverse = static_cast<float>(1 / below->convertToDouble());
    return llvm::formatv("{0} * __uint_as_float({1:x}u)", x,
                         llvm::bit_cast<uint32_t>(inverse));
  }
  if (fast_ && single && above && above->isExactlyValue(1.0))
    return "fast::reciprocal(" + expression(op.getOperand(1)) + ")";
  return mathCall(op, "arithDivf");
}

LogicalResult ScalarPrinter::printOp(Operation& op, StringRef indent,
                                     std::string& text) {
  auto x = [&](unsigned i) { return expression(op.getOperand(i)); };
  auto infix = [&](StringRef sign) -> std::string {
    return sign.empty() ? ""
                        : llvm::formatv("{0} {1} {2}", x(0), sign, x(1)).str();
  };
  auto choose = [&](StringRef sign) -> std::string {
    return llvm::formatv("{0} {1} {2} ? {0} : {2}", x(0), sign, x(1));
  };
  auto call = [&](StringRef function) { return mathCall(op, function); };
  Type type = op.getResult(0).getType();
  auto converted = [&] {
    return llvm::formatv("({0}){1}", registerType(type), x(0)).str();
  };
  using Text = std::string;
  Text value =
      llvm::TypeSwitch<Operation*, Text>(&op)
          .Case<arith::AddFOp, arith::AddIOp>([&](auto) { return infix("+"); })
          .Case<arith::SubFOp, arith::SubIOp>([&](auto) { return infix("-"); })
          .Case<arith::MulFOp, arith::MulIOp>([&](auto) { return infix("*"); })
          .Case<arith::DivFOp>([&](auto) { return quotient(op); })
          .Case<arith::NegFOp>([&](auto) { return "-" + x(0); })
          .Case<arith::AndIOp>([&](auto) { return infix("&"); })
          .Case<arith::OrIOp>([&](auto) { return infix("|"); })
          .Case<arith::XOrIOp>([&](auto) { return infix("^"); })
          .Case<arith::MaximumFOp>([&](auto) { return call("arithMaximumf"); })
          .Case<arith::MinimumFOp>([&](auto) { return call("arithMinimumf"); })
          .Case<arith::MaxSIOp>([&](auto) { return choose(">"); })
          .Case<arith::MinSIOp>([&](auto) { return choose("<"); })
          .Case<arith::SelectOp>([&](auto) {
            return llvm::formatv("{0} ? {1} : {2}", x(0), x(1), x(2)).str();
          })
          .Case<arith::CmpFOp>([&](arith::CmpFOp compare) -> Text {
            if (compare.getPredicate() == arith::CmpFPredicate::UNO)
              return llvm::formatv("{0} != {0} || {1} != {1}", x(0), x(1));
            return infix(comparison(compare.getPredicate()));
          })
          .Case<arith::CmpIOp>([&](arith::CmpIOp compare) {
            return infix(comparison(compare.getPredicate()));
          })
          .Case<arith::ConstantOp>([&](arith::ConstantOp constant) {
            return literal(cast<TypedAttr>(constant.getValue()));
          })
          // Narrow floats are float in registers; stores round.
          .Case<arith::TruncFOp>([&](auto) -> Text {
            bool stored = llvm::all_of(op.getUsers(), [](Operation* user) {
              return isa<linalg::YieldOp>(user);
            });
            if (stored || type.isF32())
              return converted();
            return llvm::formatv("convert<float>(convert<{0}>({1}))",
                                 storageType(type), x(0));
          })
          .Case<arith::ExtFOp, arith::SIToFPOp, arith::FPToSIOp,
                arith::IndexCastOp, arith::ExtSIOp, arith::TruncIOp,
                arith::ExtUIOp>([&](auto) { return converted(); })
          .Case<math::AbsFOp>([&](auto) { return call("mathAbsf"); })
          .Case<math::ExpOp>([&](auto) { return call("mathExp"); })
          .Case<math::LogOp>([&](auto) { return call("mathLog"); })
          .Case<math::SinOp>([&](auto) { return call("mathSin"); })
          .Case<math::CosOp>([&](auto) { return call("mathCos"); })
          .Case<math::TanhOp>([&](auto) { return call("mathTanh"); })
          .Case<math::ErfOp>([&](auto) { return call("mathErf"); })
          .Case<math::SqrtOp>([&](auto) { return call("mathSqrt"); })
          .Case<math::RsqrtOp>([&](auto) { return call("mathRsqrt"); })
          .Case<math::PowFOp>([&](auto) { return call("mathPowf"); })
          .Default([](Operation*) { return Text(); });
  if (value.empty())
    return op.emitOpError("has no CUDA form");
  std::string name = "t" + std::to_string(count_++);
  text += llvm::formatv("{0}const {1} {2} = {3};\n", indent, registerType(type),
                        name, value);
  names_[op.getResult(0)] = name;
  return success();
}

FailureOr<SmallVector<std::string>>
ScalarPrinter::print(linalg::GenericOp op, ArrayRef<std::string> arguments,
                     ArrayRef<std::string> dims, StringRef indent,
                     std::string& text) {
  for (auto [argument, name] :
       llvm::zip(op.getBlock()->getArguments(), arguments))
    names_[argument] = name;
  for (Operation& inner : op.getBlock()->without_terminator()) {
    if (auto index = dyn_cast<linalg::IndexOp>(inner)) {
      names_[index.getResult()] = "(i64)" + dims[index.getDim()];
      continue;
    }
    if (failed(printOp(inner, indent, text)))
      return failure();
  }
  SmallVector<std::string> results;
  for (Value value : op.getBlock()->getTerminator()->getOperands())
    results.push_back(expression(value));
  return results;
}

} // namespace burin
