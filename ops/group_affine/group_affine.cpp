// SPDX-License-Identifier: Apache-2.0
// GroupNorm's factors: inference, kernel, gradient and cost.
#include "compiler/dialect/dialect.h"
#include "compiler/dialect/inference.h"
#include "compiler/dialect/library.h"
#include "compiler/dialect/term.h"

using namespace mlir;

namespace burin {

LogicalResult GroupAffineOp::inferReturnTypes(MLIRContext* context,
                                              std::optional<Location> location,
                                              Adaptor op,
                                              SmallVectorImpl<Type>& types) {
  auto input = tensorOf(op.getInput());
  if (input.getRank() < 2)
    return reject<GroupAffineOp>(location, "input is [", input.getShape(),
                                 "], needs [batch, ..., channels]");
  int64_t channels = input.getShape().back();
  int64_t groups = op.getGroups();
  if (groups < 1 || channels % groups != 0)
    return reject<GroupAffineOp>(location, groups, " groups do not divide ",
                                 channels, " channels");
  for (Value affine : {op.getGamma(), op.getBeta()})
    if (shapeOf(affine) != ArrayRef(channels))
      return reject<GroupAffineOp>(location, "gamma and beta need [", channels,
                                   "], one is [", shapeOf(affine), "]");
  if (elementOf(op.getGamma()) != elementOf(op.getBeta()))
    return reject<GroupAffineOp>(location,
                                 "gamma and beta differ in element type");
  SmallVector<int64_t> shape(input.getRank(), 1);
  shape.front() = input.getDimSize(0);
  shape.back() = channels;
  types.assign(2, RankedTensorType::get(shape, Float32Type::get(context)));
  return success();
}

FailureOr<LibraryCall> GroupAffineOp::libraryCall() {
  auto kernel = kernelFor(*this, "group_affine", getInput());
  if (failed(kernel))
    return failure();
  LibraryCall call;
  call.kernel = *kernel;
  call.operands = {getInput(), getGamma(), getBeta()};
  call.params = groupParams(getInput(), getGamma(), getGroups(), getEps());
  return call;
}

GroupAffineOp GroupAffineOp::standardise(OpBuilder& builder, Location location,
                                         Value input, int64_t groups,
                                         double eps) {
  auto type =
      RankedTensorType::get({shapeOf(input).back()}, builder.getF32Type());
  Value one = ConstantOp::create(builder, location, type, 1.0);
  Value zero = ConstantOp::create(builder, location, type, 0.0);
  return create(builder, location, input, one, zero, groups, eps);
}

// Sums over the channels of each group, at each of its channels; t is
// [batch, 1, .., 1, channels].
static Term sumGroups(const Term& t, int64_t groups) {
  int64_t batch = t.shape().front(), width = t.shape().back() / groups;
  return t.reshape({batch, groups, width})
      .sum({2})
      .expand({batch, groups, width})
      .reshape(t.shape());
}

// With i = 1 / sqrt(variance + eps), z = x i + j standardised, M elements in
// a group and v = i dscale + j dshift, which is what z would receive:
//   dgamma = sum v, dbeta = sum dshift
//   dx = -(i / M) (S(gamma dshift) + z S(gamma v))
// where S sums over the channels of a group.
FailureOr<SmallVector<Value>> GroupAffineOp::vjp(OpBuilder& builder,
                                                 ValueRange cotangents,
                                                 ArrayRef<bool> needed) {
  Term dscale(builder, getLoc(), cotangents[0]);
  Term dshift = dscale.with(cotangents[1]);
  SmallVector<Value> answer(3);
  if (needed[2])
    answer[2] = dshift.as(getBeta());
  if (!needed[0] && !needed[1])
    return answer;
  auto factors =
      standardise(builder, getLoc(), getInput(), getGroups(), getEps());
  Term i = dscale.with(factors.getScale()), j = dscale.with(factors.getShift());
  Term v = i * dscale + j * dshift;
  if (needed[1])
    answer[1] = v.as(getGamma());
  if (needed[0]) {
    Term x = dscale.with(getInput()), gamma = dscale.with(getGamma());
    double count = tensorOf(getInput()).getNumElements() /
                   (x.shape().front() * getGroups());
    Term z = x * i + j;
    Term dx = -(i / count) * (sumGroups(gamma * dshift, getGroups()) +
                              z * sumGroups(gamma * v, getGroups()));
    answer[0] = dx.as(getInput());
  }
  return answer;
}

// A sum and a sum of squares.
Cost GroupAffineOp::cost() {
  return {3 * tensorOf(getInput()).getNumElements(), trafficBytes(*this)};
}

} // namespace burin
