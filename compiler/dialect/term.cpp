// SPDX-License-Identifier: Apache-2.0
// Emits the ops of formulas on tensors.
#include "compiler/dialect/term.h"

#include "compiler/dialect/inference.h"
#include "compiler/dialect/lowering.h"

using namespace mlir;

namespace burin {

static Value converted(OpBuilder& builder, Location location, Value value,
                       Type element) {
  return builder.createOrFold<CastOp>(location, value, element);
}

Term::Term(OpBuilder& builder, Location location, Value value)
    : builder_(&builder), location_(location),
      value_(
          converted(builder, location, value, computeType(elementOf(value)))) {}

Term Term::with(Value value) const {
  return {*builder_, location_,
          converted(*builder_, location_, value, elementOf(value_))};
}

Term Term::constant(double number) const {
  auto type = RankedTensorType::get({}, elementOf(value_));
  return with(ConstantOp::create(*builder_, location_, type, number));
}

ArrayRef<int64_t> Term::shape() const {
  return shapeOf(value_);
}

Term Term::unary(StringRef kind) const {
  return with(UnaryOp::create(*builder_, location_, kind, value_));
}

Term Term::binary(StringRef kind, const Term& other) const {
  return with(
      BinaryOp::create(*builder_, location_, kind, value_, other.value_));
}

Term Term::reduce(StringRef kind, ArrayRef<int64_t> axes) const {
  return with(builder_->createOrFold<ReduceOp>(location_, kind, value_, axes));
}

Term Term::reshape(ArrayRef<int64_t> shape) const {
  return with(builder_->createOrFold<ReshapeOp>(location_, value_, shape));
}

Term Term::expand(ArrayRef<int64_t> shape) const {
  if (shapeOf(value_) == shape)
    return *this;
  auto type = RankedTensorType::get(shape, elementOf(value_));
  return *this * with(ConstantOp::create(*builder_, location_, type, 1.0));
}

Value Term::as(Value operand) const {
  ArrayRef<int64_t> target = shapeOf(operand);
  int64_t missing = shape().size() - target.size();
  SmallVector<int64_t> repeated;
  for (auto [axis, extent] : llvm::enumerate(shape())) {
    int64_t position = static_cast<int64_t>(axis) - missing;
    if (position < 0 || target[position] != extent)
      repeated.push_back(axis);
  }
  return converted(*builder_, location_, sum(repeated).reshape(target).value_,
                   elementOf(operand));
}

} // namespace burin
