// SPDX-License-Identifier: Apache-2.0
// Standard normal numbers: inference, kernel and cost.
#include "compiler/dialect/dialect.h"
#include "compiler/dialect/inference.h"

using namespace mlir;

namespace burin {

LogicalResult RandomNormalOp::inferReturnTypes(MLIRContext* context,
                                               std::optional<Location> location,
                                               Adaptor op,
                                               SmallVectorImpl<Type>& types) {
  if (shapeOf(op.getSeed()) != ArrayRef<int64_t>(2))
    return reject<RandomNormalOp>(location, "seed is [", shapeOf(op.getSeed()),
                                  "], needs [2]: seed and offset");
  if (!elementCount(op.getShape()))
    return reject<RandomNormalOp>(location, "cannot have shape [",
                                  op.getShape(), "]");
  types.push_back(
      RankedTensorType::get(op.getShape(), Float32Type::get(context)));
  return success();
}

FailureOr<LibraryCall> RandomNormalOp::libraryCall() {
  LibraryCall call;
  call.kernel = "random_normal.f32";
  call.operands = {getSeed()};
  call.params = {tensorOf(getOutput()).getNumElements()};
  return call;
}

} // namespace burin
