// SPDX-License-Identifier: Apache-2.0
// Elementwise functions of one operand: verification, lowering and cost.
#include "compiler/dialect/dialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace burin {

LogicalResult UnaryOp::verify() {
  if (getKind() != "silu")
    return emitOpError("has no kind '") << getKind() << "'";
  return success();
}

LogicalResult UnaryOp::inferReturnTypes(MLIRContext*, std::optional<Location>,
                                        ValueRange operands, DictionaryAttr,
                                        OpaqueProperties, RegionRange,
                                        SmallVectorImpl<Type>& types) {
  types.push_back(operands[0].getType());
  return success();
}

FailureOr<SmallVector<Value>> UnaryOp::vjp(OpBuilder&, ValueRange) {
  return failure();
}

FailureOr<SmallVector<Value>> UnaryOp::lower(OpBuilder&) { return failure(); }

Cost UnaryOp::cost() { return {}; }

} // namespace burin
