// SPDX-License-Identifier: Apache-2.0
// Linear layers that read one value become one layer of their weights, stacked,
// and windows of its result:
//
//   q = linear(x, wq); k = linear(x, wk)
//     -> y = linear(x, wq, wk); q = slice(y); k = slice(y)
//
// One product of many columns fills a GPU where several of few do not, and x
// is read once.
#include "compiler/dialect/dialect.h"
#include "compiler/passes/passes.h"

#include "llvm/ADT/MapVector.h"

using namespace mlir;

namespace burin {

#define GEN_PASS_DEF_MERGELINEARS
#include "compiler/passes/passes.h.inc"

namespace {

struct MergeLinears : impl::MergeLinearsBase<MergeLinears> {
  void runOnOperation() override {
    if (!getOperation().getBody().hasOneBlock())
      return;
    Block& block = getOperation().getBody().front();
    // Those that may stand together: one input, weights that are parameters
    // of one type and lie the same way.
    llvm::MapVector<std::tuple<Value, Type, unsigned>, SmallVector<LinearOp>>
        groups;
    for (LinearOp linear : block.getOps<LinearOp>()) {
      bool constant = llvm::all_of(linear.getWeights(), [](Value weight) {
        return weight.getDefiningOp<ParameterOp>() != nullptr;
      });
      auto weight = cast<RankedTensorType>(linear.getWeights()[0].getType());
      if (constant)
        groups[{linear.getInput(), weight.getElementType(),
                linear.getTransposed()}]
            .push_back(linear);
    }
    for (auto& [key, linears] : groups)
      if (linears.size() > 1)
        merge(linears);
  }

private:
  void merge(ArrayRef<LinearOp> linears) {
    OpBuilder builder(linears.front());
    SmallVector<Value> weights;
    for (LinearOp linear : linears)
      for (Value weight : linear.getWeights()) {
        // Parameters depend on nothing.
        weight.getDefiningOp()->moveBefore(linears.front());
        weights.push_back(weight);
      }
    LinearOp first = linears.front();
    Value whole = LinearOp::create(builder, first.getLoc(), first.getInput(),
                                   weights, first.getTransposed());
    int64_t axis = cast<RankedTensorType>(whole.getType()).getRank() - 1;
    int64_t start = 0;
    for (LinearOp linear : linears) {
      int64_t size = cast<RankedTensorType>(linear.getType()).getShape().back();
      Value part =
          SliceOp::create(builder, linear.getLoc(), whole, axis, start, size);
      start += size;
      linear.replaceAllUsesWith(part);
    }
    for (LinearOp linear : linears)
      linear.erase();
  }
};

} // namespace
} // namespace burin
