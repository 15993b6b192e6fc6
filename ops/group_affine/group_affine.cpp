// SPDX-License-Identifier: Apache-2.0
// GroupNorm's factors: inference, kernel and cost.
#include "compiler/dialect/dialect.h"
#include "compiler/dialect/inference.h"
#include "compiler/dialect/library.h"

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

// A sum and a sum of squares.
Cost GroupAffineOp::cost() {
  return {3 * tensorOf(getInput()).getNumElements(), trafficBytes(*this)};
}

} // namespace burin
