// SPDX-License-Identifier: Apache-2.0
// Prints epilogues: eight columns of one row at a time.
#include "compiler/codegen/cuda/epilogue.h"

#include "compiler/codegen/cuda/element_printer.h"
#include "compiler/passes/kernels.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;
using llvm::formatv;

namespace burin {
namespace {

class EpiloguePrinter {
public:
  EpiloguePrinter(func::FuncOp kernel,
                  ArrayRef<kernels::cuda::SliceInfo> slices)
      : kernel_(kernel), tiles_(kernel->hasAttr(kGatedAttr) ? 2 : 1),
        elements_(kernel, tiles_, slices, "views"),
        shape_(cast<RankedTensorType>(kernel.getResultTypes()[0]).getShape()) {}

  FailureOr<kernels::cuda::EpilogueText> run();

private:
  Block& block() { return kernel_.getBody().front(); }
  auto generics() { return block().getOps<linalg::GenericOp>(); }
  // The one operand that reads `argument` as eight neighbours of a row.
  OpOperand* soleVectorUse(BlockArgument argument);
  void printFetch();
  LogicalResult printFinish();

  func::FuncOp kernel_;
  unsigned tiles_; // arguments that are sums
  ElementPrinter elements_;
  SmallVector<int64_t> shape_;
  Position at_;
  std::string dims_, operands_, fetch_, unpack_, finish_;
};

OpOperand* EpiloguePrinter::soleVectorUse(BlockArgument argument) {
  if (!argument.hasOneUse())
    return nullptr;
  OpOperand& use = *argument.use_begin();
  auto op = dyn_cast<linalg::GenericOp>(use.getOwner());
  if (!op || use.getOperandNumber() >= op.getNumDpsInputs())
    return nullptr;
  AffineMap map = op.getMatchingIndexingMap(&use);
  unsigned last = shape_.size() - 1;
  if (map.getNumResults() < 2 || !offsetFrom(map.getResults().back(), last))
    return nullptr;
  AffineMap leading = leadingOf(map);
  bool byRow = false;
  for (unsigned dim = 0; dim < last; ++dim)
    byRow |= leading.isFunctionOfDim(dim);
  return byRow && !leading.isFunctionOfDim(last) ? &use : nullptr;
}

// What depends on the row is on its way while the sums are still made.
void EpiloguePrinter::printFetch() {
  for (BlockArgument argument : block().getArguments().drop_front(tiles_)) {
    OpOperand* use = soleVectorUse(argument);
    if (!use)
      continue;
    auto op = cast<linalg::GenericOp>(use->getOwner());
    auto type = cast<RankedTensorType>(argument.getType());
    AffineMap map = op.getMatchingIndexingMap(use);
    unsigned slice = argument.getArgNumber() - tiles_;
    int64_t offset = *offsetFrom(map.getResults().back(), shape_.size() - 1);
    std::string name = "fetched" + std::to_string(slice);
    operands_ += formatv("    Packed<{0}, 8, {1}> {2};\n",
                         storageType(type.getElementType()),
                         elements_.alignmentOf(slice, 8, offset), name);
    fetch_ += formatv("    ::fetch({0}, operand.{1}, {2});\n",
                      elements_.at(slice, elements_.indexOf(type, map, at_)),
                      name, at_.valid.empty() ? "8" : at_.valid);
    unpack_ += formatv("    {0} {1}[8];\n    unpack(operand.{1}, {1});\n",
                       registerType(type.getElementType()), name);
    elements_.places()[argument] = {Place::kVector, 0, name, offset};
  }
}

LogicalResult EpiloguePrinter::printFinish() {
  Operation* end = block().getTerminator();
  unsigned count = 0;
  for (linalg::GenericOp op : generics()) {
    if (op.getNumParallelLoops() != op.getNumLoops() ||
        op.getStaticLoopRanges() != shape_)
      return op.emitOpError("does not run over the rows of an epilogue");
    std::string name = "y" + std::to_string(count++) + "_";
    if (failed(elements_.printMap(op, at_, name, finish_)))
      return failure();
    for (auto [i, result] : llvm::enumerate(op.getResults())) {
      elements_.places()[result] = {Place::kVector, 0, name + std::to_string(i),
                                    0};
    }
  }
  for (auto [i, result] : llvm::enumerate(end->getOperands()))
    elements_.printStore(
        i, cast<RankedTensorType>(result.getType()),
        AffineMap::getMultiDimIdentityMap(shape_.size(), kernel_.getContext()),
        elements_.places().at(result).name, at_, finish_);
  return success();
}

FailureOr<kernels::cuda::EpilogueText> EpiloguePrinter::run() {
  int64_t outputs = shape_.back();
  for (BlockArgument tile : block().getArguments().take_front(tiles_)) {
    elements_.places()[tile] = {Place::kVector, 0,
                                tile.getArgNumber() == 0 ? "value" : "gate", 0};
    if (cast<RankedTensorType>(tile.getType()).getShape() != ArrayRef(shape_))
      return kernel_.emitError("an epilogue's results differ from its tile");
  }
  for (Type type : kernel_.getResultTypes())
    if (cast<RankedTensorType>(type).getShape() != ArrayRef(shape_))
      return kernel_.emitError("an epilogue's results differ in shape");

  at_.extents = shape_;
  at_.row = "row";
  at_.indent = "    ";
  for (size_t i = 0; i + 1 < shape_.size(); ++i)
    at_.dims.push_back("d" + std::to_string(i));
  at_.dims.push_back("column");
  printDims(ArrayRef(shape_).drop_back(), "row", "    ", dims_);
  if (outputs % 8 != 0) {
    at_.valid = "valid";
    dims_ += "    const int valid = kOutputs - column < 8 ? kOutputs - column "
             ": 8;\n";
  }
  printFetch();
  if (failed(printFinish()))
    return failure();

  kernels::cuda::EpilogueText result;
  result.gated = tiles_ == 2;
  result.slices = elements_.captures() + kernel_.getNumResults();
  result.text = formatv(R"(
#include "common/access.cuh"

struct Epilogue {{
  static constexpr int kOutputs = {0};
  static constexpr bool kGated = {1};
  struct Operand {{
{2}  };
  __device__ __forceinline__ Operand fetch(const View* views, int row,
                                           int column) const {{
{3}    Operand operand;
{4}    return operand;
  }
  __device__ __forceinline__ void finish(const View* views,
                                         float (&value)[8], float (&gate)[8],
                                         const Operand& operand, int row,
                                         int column) const {{
{3}{5}{6}  }
};
)",
                        outputs, tiles_ == 2 ? "true" : "false", operands_,
                        dims_, fetch_, unpack_, finish_);
  result.name = llvm::utohexstr(llvm::xxh3_64bits(result.text), true);
  return result;
}

} // namespace

FailureOr<kernels::cuda::EpilogueText>
printEpilogue(func::FuncOp kernel, ArrayRef<kernels::cuda::SliceInfo> slices) {
  return EpiloguePrinter(kernel, slices).run();
}

} // namespace burin
