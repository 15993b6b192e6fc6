// SPDX-License-Identifier: Apache-2.0
// Gives each region's generated part a function in the nested module
// `kernels`. A network repeats its layers, so regions whose generated parts
// read the same share one function; that is most of what keeps compile time
// in seconds.
#include "compiler/dialect/dialect.h"
#include "compiler/passes/kernels.h"
#include "compiler/passes/passes.h"

#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/SmallBitVector.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace burin {

#define GEN_PASS_DEF_OUTLINEKERNELS
#include "compiler/passes/passes.h.inc"

namespace {

class Outliner {
public:
  explicit Outliner(ModuleOp module)
      : builder_(module.getContext()),
        kernels_(ModuleOp::create(module.getLoc(), kKernelsModule)) {
    module.push_back(kernels_);
  }

  void outline(RegionOp region) {
    if (region.getKind() == RegionOp::kLibrary)
      return;
    SmallVector<int64_t> captures;
    func::FuncOp function = makeFunction(region, captures);
    std::string text;
    llvm::raw_string_ostream stream(text);
    function.print(stream, OpPrintingFlags().useLocalScope());
    auto [known, isNew] = names_.try_emplace(text);
    if (isNew) {
      known->second =
          (region.isRows() ? "rows_" : "epilogue_") + std::to_string(count_++);
      function.setSymName(known->second);
      kernels_.push_back(function);
    } else {
      function.erase();
    }
    region.setKernel(known->second);
    region.setCaptures(captures);
  }

private:
  // What a contraction hands to its epilogue: all its columns, or the two
  // halves that the epilogue brings together, values first.
  static SmallVector<Value> tilesOf(Operation* root) {
    if (!root)
      return {};
    Value whole = root->getResult(0);
    SmallVector<Value> halves;
    for (Operation* user : whole.getUsers())
      if (isa<SliceOp>(user))
        halves.push_back(user->getResult(0));
    if (halves.empty())
      return {whole};
    llvm::sort(halves, [](Value a, Value b) {
      return a.getDefiningOp<SliceOp>().getStart() <
             b.getDefiningOp<SliceOp>().getStart();
    });
    return halves;
  }

  // The generated part of `region`: (tile if any, captured operands) to the
  // results. `captures` receives which operands those are.
  func::FuncOp makeFunction(RegionOp region, SmallVector<int64_t>& captures) {
    Operation* root = region.root();
    llvm::SmallBitVector used(region.getInputs().size());
    auto use = [&](Value value) {
      if (auto argument = dyn_cast<BlockArgument>(value))
        used.set(argument.getArgNumber());
    };
    for (Operation& op : region.block())
      if (&op != root)
        for (Value operand : op.getOperands())
          use(operand);

    SmallVector<Value> tiles = tilesOf(root);
    SmallVector<Type> types = llvm::to_vector(ValueRange(tiles).getTypes());
    for (unsigned index : used.set_bits()) {
      captures.push_back(index);
      types.push_back(region.getInputs()[index].getType());
    }
    // Names and locations would tell equal kernels apart.
    Location unknown = builder_.getUnknownLoc();
    builder_.clearInsertionPoint(); // the last kernel's end, if it still lives
    auto function = func::FuncOp::create(
        builder_, unknown, "kernel",
        builder_.getFunctionType(types, region.getResultTypes()));
    if (root)
      function->setAttr(kEpilogueAttr, builder_.getUnitAttr());
    if (tiles.size() == 2)
      function->setAttr(kGatedAttr, builder_.getUnitAttr());
    Block* block = function.addEntryBlock();
    IRMapping mapping;
    unsigned next = 0;
    for (Value tile : tiles)
      mapping.map(tile, block->getArgument(next++));
    for (int64_t index : captures)
      mapping.map(region.block().getArgument(index),
                  block->getArgument(next++));
    builder_.setInsertionPointToEnd(block);
    for (Operation& op : region.block().without_terminator())
      if (&op != root && !(op.getNumResults() == 1 &&
                           llvm::is_contained(tiles, op.getResult(0))))
        builder_.clone(op, mapping);
    SmallVector<Value> results;
    for (Value value : region.yield().getValues())
      results.push_back(mapping.lookup(value));
    func::ReturnOp::create(builder_, unknown, results);
    return function;
  }

  OpBuilder builder_;
  ModuleOp kernels_;
  llvm::StringMap<std::string> names_; // by the kernel's text
  unsigned count_ = 0;
};

struct OutlineKernels : impl::OutlineKernelsBase<OutlineKernels> {
  void runOnOperation() override {
    Outliner outliner(getOperation());
    for (auto function : getOperation().getOps<func::FuncOp>())
      function.walk([&](RegionOp region) { outliner.outline(region); });
  }
};

} // namespace
} // namespace burin
