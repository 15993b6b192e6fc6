// SPDX-License-Identifier: Apache-2.0
// Axes in another order: inference, folding, lowering and gradient.
#include "compiler/dialect/dialect.h"
#include "compiler/dialect/lowering.h"

using namespace mlir;

namespace burin {

LogicalResult TransposeOp::inferReturnTypes(MLIRContext*,
                                            std::optional<Location> location,
                                            Adaptor op,
                                            SmallVectorImpl<Type>& types) {
  auto input = tensorOf(op.getInput());
  auto permutation = op.getPermutation();
  SmallVector<int64_t> sorted(permutation);
  llvm::sort(sorted);
  if (!llvm::equal(sorted, llvm::seq(input.getRank())))
    return reject<TransposeOp>(location, "[", permutation, "] is no order of ",
                               input.getRank(), " axes");
  SmallVector<int64_t> shape;
  for (int64_t axis : permutation)
    shape.push_back(input.getDimSize(axis));
  types.push_back(input.clone(shape));
  return success();
}

OpFoldResult TransposeOp::fold(FoldAdaptor) {
  return llvm::is_sorted(getPermutation()) ? getInput() : Value();
}

FailureOr<SmallVector<Value>> TransposeOp::lower(OpBuilder& builder) {
  SmallVector<unsigned> order(getPermutation());
  AffineMap read =
      inversePermutation(AffineMap::getPermutationMap(order, getContext()));
  Value result =
      emitMap(builder, getLoc(), tensorOf(getOutput()), Input{getInput(), read},
              [](OpBuilder&, Location, ValueRange x) -> Value { return x[0]; });
  return SmallVector<Value>{result};
}

FailureOr<SmallVector<Value>>
TransposeOp::vjp(OpBuilder& builder, ValueRange cotangents, ArrayRef<bool>) {
  SmallVector<int64_t> inverse(getPermutation().size());
  for (auto [i, axis] : llvm::enumerate(getPermutation()))
    inverse[axis] = i;
  return SmallVector<Value>{
      TransposeOp::create(builder, getLoc(), cotangents[0], inverse)};
}

Cost TransposeOp::cost() {
  return movementCost(*this);
}

} // namespace burin
