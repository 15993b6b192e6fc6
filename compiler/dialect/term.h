// SPDX-License-Identifier: Apache-2.0
// Tensor arithmetic that emits burin ops, so that a gradient reads as its
// formula:
//   g * s * (1 + x * (1 - s))
// Operands broadcast, and a double is one number of the other's type.
#pragma once

#include "compiler/dialect/dialect.h"

namespace burin {

class Term {
public:
  // `value`, 16-bit floats widened: formulas are in float32 or float64.
  Term(mlir::OpBuilder& builder, mlir::Location location, mlir::Value value);

  // Another value of the formula, converted to this one's element type.
  Term with(mlir::Value value) const;
  Term constant(double number) const;

  mlir::Value value() const { return value_; }
  llvm::ArrayRef<int64_t> shape() const;

  Term unary(llvm::StringRef kind) const;
  Term binary(llvm::StringRef kind, const Term& other) const;
  // Over `axes`, which stay with extent one.
  Term reduce(llvm::StringRef kind, llvm::ArrayRef<int64_t> axes) const;
  Term sum(llvm::ArrayRef<int64_t> axes) const { return reduce("sum", axes); }
  Term mean(llvm::ArrayRef<int64_t> axes) const { return reduce("mean", axes); }
  Term reshape(llvm::ArrayRef<int64_t> shape) const;
  // Repeated along the axes whose extent is one.
  Term expand(llvm::ArrayRef<int64_t> shape) const;

  // The gradient of `operand`, whose shape broadcasts to this one's: summed
  // over what broadcasting repeated, and of the operand's type.
  mlir::Value as(mlir::Value operand) const;

private:
  mlir::OpBuilder* builder_;
  mlir::Location location_;
  mlir::Value value_;
};

inline Term operator+(const Term& a, const Term& b) {
  return a.binary("add", b);
}
inline Term operator-(const Term& a, const Term& b) {
  return a.binary("sub", b);
}
inline Term operator*(const Term& a, const Term& b) {
  return a.binary("mul", b);
}
inline Term operator/(const Term& a, const Term& b) {
  return a.binary("div", b);
}
inline Term operator+(const Term& a, double b) {
  return a + a.constant(b);
}
inline Term operator-(const Term& a, double b) {
  return a - a.constant(b);
}
inline Term operator*(const Term& a, double b) {
  return a * a.constant(b);
}
inline Term operator/(const Term& a, double b) {
  return a / a.constant(b);
}
inline Term operator-(double a, const Term& b) {
  return b.constant(a) - b;
}
inline Term operator-(const Term& a) {
  return a.unary("neg");
}
// One where a > b, else zero.
inline Term greater(const Term& a, const Term& b) {
  return a.binary("greater", b);
}

} // namespace burin
