// SPDX-License-Identifier: Apache-2.0
// Derivatives in a graph: inference. What they are is computed by the pass
// that replaces them, compiler/passes/differentiate.cpp.
#include "compiler/dialect/dialect.h"
#include "compiler/dialect/inference.h"

using namespace mlir;

namespace burin {

LogicalResult GradientOp::inferReturnTypes(MLIRContext*,
                                           std::optional<Location> location,
                                           Adaptor op,
                                           SmallVectorImpl<Type>& types) {
  if (tensorOf(op.getLoss()).getNumElements() != 1)
    return reject<GradientOp>(location, "loss is [", shapeOf(op.getLoss()),
                              "], needs one element; reduce it");
  if (op.getWrt().empty())
    return reject<GradientOp>(location, "needs at least one value to "
                                        "differentiate with respect to");
  llvm::append_range(types, op.getWrt().getTypes());
  return success();
}

} // namespace burin
