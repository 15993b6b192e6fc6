// SPDX-License-Identifier: Apache-2.0
// Questions that every op's shape inference asks, and one way to say no.
#pragma once

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Value.h"

#include "runtime/base/dtype.h"

#include <optional>

namespace burin {

// Precondition of these three: a ranked tensor, which ODS verifies.
inline mlir::RankedTensorType tensorOf(mlir::Value value) {
  return mlir::cast<mlir::RankedTensorType>(value.getType());
}
inline llvm::ArrayRef<int64_t> shapeOf(mlir::Value value) {
  return tensorOf(value).getShape();
}
inline mlir::Type elementOf(mlir::Value value) {
  return tensorOf(value).getElementType();
}

// The dtype that stores this element type, or nothing.
std::optional<DType> dtypeOf(mlir::Type element);

// The numpy broadcast of two shapes, or nothing where they clash.
std::optional<llvm::SmallVector<int64_t>>
broadcastShapes(llvm::ArrayRef<int64_t> a, llvm::ArrayRef<int64_t> b);

// Diagnoses as `emitOpError` would; inference may run before the op exists,
// and without a location when nobody asked why.
template <typename Op, typename... Args>
mlir::LogicalResult reject(std::optional<mlir::Location> location,
                           Args&&... args) {
  return mlir::emitOptionalError(location, "'", Op::getOperationName(), "' op ",
                                 std::forward<Args>(args)...);
}

} // namespace burin
