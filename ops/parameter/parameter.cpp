// SPDX-License-Identifier: Apache-2.0
// Checkpoint tensors: verification and cost.
#include "compiler/dialect/dialect.h"

using namespace mlir;

namespace burin {

LogicalResult ParameterOp::verify() {
  if (getName().empty())
    return emitOpError("has an empty name; give the checkpoint's");
  return success();
}

// Whoever reads it pays for the bytes.
Cost ParameterOp::cost() {
  return {};
}

} // namespace burin
