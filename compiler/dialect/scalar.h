// SPDX-License-Identifier: Apache-2.0
// Scalar arithmetic that emits IR, so that an op's formula reads as one:
//   x * sigmoid(1.702 * x)
// Both operands of an operator have the same float type; a double becomes a
// constant of the other operand's type.
#pragma once

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Builders.h"

namespace burin {

class Scalar {
public:
  Scalar(mlir::OpBuilder& builder, mlir::Location location, mlir::Value value)
      : builder_(&builder), location_(location), value_(value) {}

  mlir::Value value() const { return value_; }
  mlir::Type type() const { return value_.getType(); }

  // A constant of this scalar's type.
  Scalar constant(double number) const {
    return {*builder_, location_,
            mlir::arith::ConstantOp::create(
                *builder_, location_,
                builder_->getFloatAttr(value_.getType(), number))};
  }

  // An op of the arith or math dialect, on this scalar and others.
  template <typename Op, typename... Others>
  Scalar apply(const Others&... others) const {
    return {*builder_, location_,
            Op::create(*builder_, location_, value_, others.value_...)};
  }

  // Whether that holds between this scalar and a number.
  Scalar compare(mlir::arith::CmpFPredicate predicate, double number) const {
    return {*builder_, location_,
            mlir::arith::CmpFOp::create(*builder_, location_, predicate, value_,
                                        constant(number).value_)};
  }

private:
  mlir::OpBuilder* builder_;
  mlir::Location location_;
  mlir::Value value_;
};

inline Scalar operator+(const Scalar& a, const Scalar& b) {
  return a.apply<mlir::arith::AddFOp>(b);
}
inline Scalar operator-(const Scalar& a, const Scalar& b) {
  return a.apply<mlir::arith::SubFOp>(b);
}
inline Scalar operator*(const Scalar& a, const Scalar& b) {
  return a.apply<mlir::arith::MulFOp>(b);
}
inline Scalar operator/(const Scalar& a, const Scalar& b) {
  return a.apply<mlir::arith::DivFOp>(b);
}
inline Scalar operator+(const Scalar& a, double b) {
  return a + a.constant(b);
}
inline Scalar operator*(const Scalar& a, double b) {
  return a * a.constant(b);
}
inline Scalar operator/(const Scalar& a, double b) {
  return a / a.constant(b);
}
inline Scalar operator/(double a, const Scalar& b) {
  return b.constant(a) / b;
}
inline Scalar operator-(const Scalar& a) {
  return a.apply<mlir::arith::NegFOp>();
}
inline Scalar abs(const Scalar& a) {
  return a.apply<mlir::math::AbsFOp>();
}
inline Scalar exp(const Scalar& a) {
  return a.apply<mlir::math::ExpOp>();
}
inline Scalar erf(const Scalar& a) {
  return a.apply<mlir::math::ErfOp>();
}
inline Scalar tanh(const Scalar& a) {
  return a.apply<mlir::math::TanhOp>();
}
inline Scalar rsqrt(const Scalar& a) {
  return a.apply<mlir::math::RsqrtOp>();
}
inline Scalar max(const Scalar& a, const Scalar& b) {
  return a.apply<mlir::arith::MaximumFOp>(b); // NaN wins
}

// Conditions are scalars of i1, for select alone.
inline Scalar isNonZero(const Scalar& a) { // NaN is not zero
  return a.compare(mlir::arith::CmpFPredicate::UNE, 0);
}
inline Scalar select(const Scalar& condition, const Scalar& a,
                     const Scalar& b) {
  return condition.apply<mlir::arith::SelectOp>(a, b);
}

} // namespace burin
