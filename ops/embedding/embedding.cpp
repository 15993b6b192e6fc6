// SPDX-License-Identifier: Apache-2.0
// Table lookup: inference, kernel and cost.
#include "compiler/dialect/dialect.h"
#include "compiler/dialect/inference.h"
#include "compiler/dialect/library.h"

using namespace mlir;

namespace burin {

LogicalResult EmbeddingOp::inferReturnTypes(MLIRContext*,
                                            std::optional<Location> location,
                                            Adaptor op,
                                            SmallVectorImpl<Type>& types) {
  auto table = tensorOf(op.getTable());
  if (table.getRank() != 2)
    return reject<EmbeddingOp>(location, "table is [", table.getShape(),
                               "], needs [rows, width]");
  SmallVector<int64_t> shape(shapeOf(op.getIds()));
  shape.push_back(table.getDimSize(1));
  types.push_back(table.clone(shape));
  return success();
}

FailureOr<LibraryCall> EmbeddingOp::libraryCall() {
  auto table = shapeOf(getTable());
  return gatherRows(getTable(), getIds(), table[0], table[1], /*groups=*/1);
}

// Only the rows that are asked for are read.
Cost EmbeddingOp::cost() {
  auto output = tensorOf(getOutput());
  int64_t rows =
      2 * output.getNumElements() * output.getElementTypeBitWidth() / 8;
  auto ids = tensorOf(getIds());
  return {0, rows + ids.getNumElements() * ids.getElementTypeBitWidth() / 8};
}

} // namespace burin
