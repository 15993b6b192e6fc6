// SPDX-License-Identifier: Apache-2.0
// Shape questions and the default answers of the interfaces.
#include "compiler/dialect/inference.h"

#include "compiler/dialect/interfaces.h"

#include "mlir/IR/BuiltinTypes.h"

using namespace mlir;

namespace burin {

std::optional<DType> dtypeOf(Type element) {
  if (element.isInteger(1))
    return DType::kBool;
  if (element.isInteger(8))
    return DType::kU8;
  if (element.isInteger(32))
    return DType::kI32;
  if (element.isInteger(64))
    return DType::kI64;
  if (element.isF16())
    return DType::kF16;
  if (element.isBF16())
    return DType::kBF16;
  if (element.isF32())
    return DType::kF32;
  if (element.isF64())
    return DType::kF64;
  return std::nullopt;
}

std::optional<SmallVector<int64_t>> broadcastShapes(ArrayRef<int64_t> a,
                                                    ArrayRef<int64_t> b) {
  if (a.size() < b.size())
    std::swap(a, b);
  SmallVector<int64_t> shape(a);
  size_t missing = a.size() - b.size();
  for (size_t i = 0; i < b.size(); ++i) {
    int64_t& extent = shape[missing + i];
    if (extent == 1)
      extent = b[i];
    else if (b[i] != 1 && b[i] != extent)
      return std::nullopt;
  }
  return shape;
}

int64_t trafficBytes(Operation* op) {
  auto bytes = [](Type type) -> int64_t {
    auto tensor = cast<RankedTensorType>(type);
    auto dtype = dtypeOf(tensor.getElementType());
    return tensor.getNumElements() * (dtype ? byteSize(*dtype) : 0);
  };
  int64_t total = 0;
  for (Type type : op->getOperandTypes())
    total += bytes(type);
  for (Type type : op->getResultTypes())
    total += bytes(type);
  return total;
}

Cost movementCost(Operation* op) {
  return {0, trafficBytes(op)};
}

Cost elementwiseCost(Operation* op) {
  auto result = cast<RankedTensorType>(op->getResult(0).getType());
  return {result.getNumElements(), trafficBytes(op)};
}

} // namespace burin
