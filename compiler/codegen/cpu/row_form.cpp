// SPDX-License-Identifier: Apache-2.0
// Finds the rows of an op by looking at its linalg form, so that no pass needs
// to know ops by name.
#include "compiler/codegen/cpu/row_form.h"

#include "compiler/dialect/dialect.h"

using namespace mlir;

namespace burin {

bool isRowAligned(AffineMap map, ArrayRef<int64_t> rows) {
  if (map.getNumResults() < rows.size())
    return false;
  for (auto [i, extent] : llvm::enumerate(rows)) {
    AffineExpr expr = map.getResult(i);
    auto dim = dyn_cast<AffineDimExpr>(expr);
    auto constant = dyn_cast<AffineConstantExpr>(expr);
    bool isDim = dim && dim.getPosition() == i;
    bool isOnly = extent == 1 && constant && constant.getValue() == 0;
    if (!isDim && !isOnly)
      return false;
  }
  return true;
}

// How many leading loops of `op` may be rows.
static unsigned rowRank(linalg::LinalgOp op) {
  SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
  SmallVector<int64_t> extents = op.getStaticLoopRanges();
  unsigned rank = 0;
  while (rank < iterators.size() &&
         iterators[rank] == utils::IteratorType::parallel)
    ++rank;
  for (OpOperand& init : op.getDpsInitsMutable()) {
    AffineMap map = op.getMatchingIndexingMap(&init);
    while (!isRowAligned(map, ArrayRef(extents).take_front(rank)))
      --rank;
  }
  // A value made in this function must be read where it was written.
  for (OpOperand* input : op.getDpsInputOperands()) {
    if (isa<BlockArgument>(input->get()) ||
        !input->get().getDefiningOp<linalg::LinalgOp>())
      continue;
    AffineMap map = op.getMatchingIndexingMap(input);
    while (!isRowAligned(map, ArrayRef(extents).take_front(rank)))
      --rank;
  }
  return rank;
}

SmallVector<int64_t> rowExtents(func::FuncOp function) {
  std::optional<SmallVector<int64_t>> rows;
  unsigned maxLoops = 0;
  function.walk([&](linalg::LinalgOp op) {
    maxLoops = std::max(maxLoops, op.getNumLoops());
  });
  function.walk([&](linalg::LinalgOp op) {
    SmallVector<int64_t> extents = op.getStaticLoopRanges();
    unsigned rank = rowRank(op);
    // The last loop runs inside the row.
    if (op.getNumLoops() == maxLoops && rank == maxLoops && rank > 0)
      --rank;
    extents.truncate(rank);
    if (!rows)
      rows = extents;
    size_t common = 0;
    while (common < rows->size() && common < extents.size() &&
           (*rows)[common] == extents[common])
      ++common;
    rows->truncate(common);
  });
  return rows.value_or(SmallVector<int64_t>());
}

// A function of one op, lowered to linalg.
static FailureOr<OwningOpRef<func::FuncOp>> lowerAlone(Operation* op) {
  OpBuilder builder(op->getContext());
  auto type =
      builder.getFunctionType(op->getOperandTypes(), op->getResultTypes());
  OwningOpRef<func::FuncOp> function =
      func::FuncOp::create(builder, op->getLoc(), "alone", type);
  Block* block = function->addEntryBlock();
  IRMapping mapping;
  mapping.map(op->getOperands(), block->getArguments());
  builder.setInsertionPointToEnd(block);
  Operation* copy = builder.clone(*op, mapping);
  FailureOr<SmallVector<Value>> results = cast<Lowerable>(copy).lower(builder);
  if (failed(results))
    return failure();
  func::ReturnOp::create(builder, op->getLoc(), *results);
  copy->erase();
  return function;
}

static bool isElementwise(func::FuncOp function) {
  auto generics = function.getBody().front().getOps<linalg::GenericOp>();
  if (!llvm::hasSingleElement(generics))
    return false;
  linalg::GenericOp op = *generics.begin();
  return op.getNumLoops() > 0 && op.getNumParallelLoops() == op.getNumLoops() &&
         llvm::all_of(op.getDpsInitsMutable(), [&](OpOperand& init) {
           return op.getMatchingIndexingMap(&init).isIdentity();
         });
}

FailureOr<RowForm> rowForm(Operation* op) {
  FailureOr<OwningOpRef<func::FuncOp>> function = lowerAlone(op);
  if (failed(function))
    return failure();
  RowForm form;
  form.rows = rowExtents(**function);
  form.elementwise = isElementwise(**function);
  form.aligned.assign(op->getNumOperands(), true);
  Block& block = (*function)->getBody().front();
  for (BlockArgument argument : block.getArguments()) {
    for (OpOperand& use : argument.getUses()) {
      auto user = dyn_cast<linalg::LinalgOp>(use.getOwner());
      if (!user || !isRowAligned(user.getMatchingIndexingMap(&use), form.rows))
        form.aligned[argument.getArgNumber()] = false;
    }
  }
  return form;
}

} // namespace burin
