// SPDX-License-Identifier: Apache-2.0
// The sum of a convolution and of a projection of other pixels becomes one op,
// where the target has a kernel for that:
//
//   h = conv2d(a, w) + b; s = conv2d(x, v) + c; y = h + s
//     -> y = conv2d_shortcut(a, w, x, v) + b + c
//
// Both are products with the same rows: one of more columns needs one launch,
// and the shortcut is never written or read.
#include "compiler/codegen/cuda/cuda_target.h"
#include "compiler/dialect/dialect.h"
#include "compiler/dialect/inference.h"
#include "compiler/passes/passes.h"

using namespace mlir;

namespace burin {

#define GEN_PASS_DEF_FOLDSHORTCUTS
#include "compiler/passes/passes.h.inc"

namespace {

bool isAddition(BinaryOp op) {
  return op && op.getKind() == "add";
}

// A convolution and the additions of one value a channel behind it, last
// first, each read by the next alone.
struct Branch {
  Conv2dOp convolution;
  SmallVector<BinaryOp> additions;
  SmallVector<Value> biases; // of the additions

  void erase() {
    for (BinaryOp addition : additions)
      addition.erase();
    convolution.erase();
  }
};

std::optional<Branch> branchOf(Value value) {
  Branch branch;
  while (value.hasOneUse()) {
    branch.convolution = value.getDefiningOp<Conv2dOp>();
    if (branch.convolution)
      return branch;
    auto sum = value.getDefiningOp<BinaryOp>();
    if (!isAddition(sum))
      return std::nullopt;
    bool biasFirst = tensorOf(sum.getLhs()).getRank() == 1;
    Value bias = biasFirst ? sum.getLhs() : sum.getRhs();
    if (tensorOf(bias).getRank() != 1)
      return std::nullopt;
    branch.additions.push_back(sum);
    branch.biases.push_back(bias);
    value = biasFirst ? sum.getRhs() : sum.getLhs();
  }
  return std::nullopt;
}

// Whether each pixel of the result is a product with one of the input's.
bool isProjection(Conv2dOp op) {
  auto isZero = [](int64_t extent) { return extent == 0; };
  return shapeOf(op.getWeight())[2] == 1 && shapeOf(op.getWeight())[3] == 1 &&
         op.getStride() == 1 && op.getUpsample() == 1 && !op.getTransposed() &&
         llvm::all_of(op.getPadding(), isZero);
}

struct FoldShortcuts : impl::FoldShortcutsBase<FoldShortcuts> {
  using FoldShortcutsBase::FoldShortcutsBase;

  void runOnOperation() override {
    auto gpu = cudaTarget(target);
    if (!gpu || !getOperation().getBody().hasOneBlock())
      return;
    Block& block = getOperation().getBody().front();
    for (BinaryOp sum : llvm::make_early_inc_range(block.getOps<BinaryOp>())) {
      if (!isAddition(sum) || sum.getLhs().getType() != sum.getRhs().getType())
        continue;
      std::optional<Branch> lhs = branchOf(sum.getLhs());
      std::optional<Branch> rhs = branchOf(sum.getRhs());
      if (lhs && rhs && !fold(sum, *lhs, *rhs, *gpu))
        fold(sum, *rhs, *lhs, *gpu);
    }
  }

private:
  // Makes `sum` of `main` with `shortcut` in it, or changes nothing.
  static bool fold(BinaryOp sum, Branch& main, Branch& shortcut,
                   const kernels::cuda::Target& target) {
    Conv2dOp convolution = main.convolution, point = shortcut.convolution;
    if (!isProjection(point) || convolution.getUpsample() != 1 ||
        convolution.getTransposed())
      return false;
    OpBuilder builder(sum);
    auto whole = Conv2dShortcutOp::create(
        builder, convolution.getLoc(), convolution.getInput(),
        convolution.getWeight(), point.getInput(), point.getWeight(),
        convolution.getStride(), convolution.getPadding());
    if (!hasCudaKernel(whole, target)) {
      whole.erase();
      return false;
    }
    Value value = whole;
    for (Branch* branch : {&main, &shortcut})
      for (Value bias : llvm::reverse(branch->biases))
        value = BinaryOp::create(builder, sum.getLoc(), "add", value, bias);
    sum.replaceAllUsesWith(value);
    sum.erase();
    main.erase();
    shortcut.erase();
    return true;
  }
};

} // namespace
} // namespace burin
