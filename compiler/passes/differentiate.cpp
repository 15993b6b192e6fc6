// SPDX-License-Identifier: Apache-2.0
// Replaces each gradient by the ops that compute it: reverse-mode
// differentiation of the graph between `wrt` and `loss`.
//
// With the cotangent v' = d loss / d v of each value v, and loss' = 1,
//   x' = sum over the ops y = f(.., x, ..) of (df / dx)^T y'
// in the reverse of the order in which the ops stand. Only values that depend
// on one of `wrt` and that `loss` depends on have a cotangent; nothing is
// emitted for others, such as frozen parameters.
#include "compiler/dialect/dialect.h"
#include "compiler/dialect/inference.h"
#include "compiler/passes/passes.h"

#include "mlir/IR/Dominance.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/CSE.h"

using namespace mlir;

namespace burin {

#define GEN_PASS_DEF_DIFFERENTIATE
#include "compiler/passes/passes.h.inc"

namespace {

// Tells profiles and diagnostics which layer an op is the gradient of.
Location gradientLocation(Location location) {
  if (auto name = dyn_cast<NameLoc>(location))
    return NameLoc::get(StringAttr::get(location.getContext(),
                                        name.getName().getValue() + ".grad"),
                        name.getChildLoc());
  return NameLoc::get(StringAttr::get(location.getContext(), "grad"), location);
}

struct GradientLocations : OpBuilder::Listener {
  void notifyOperationInserted(Operation* op, OpBuilder::InsertPoint) override {
    op->setLoc(gradientLocation(op->getLoc()));
  }
};

class Differentiator {
public:
  explicit Differentiator(GradientOp gradient)
      : gradient_(gradient), builder_(gradient) {
    builder_.setListener(&locations_);
  }

  LogicalResult run();

private:
  void findVarying();
  SmallVector<Operation*> findActive();
  LogicalResult visit(Operation* op);
  SmallVector<Value> cotangentsOf(Operation* op);
  void accumulate(Value value, Value addend);
  Value constant(Value like, double number) {
    return ConstantOp::create(builder_, like.getLoc(), like.getType(), number);
  }

  GradientOp gradient_;
  GradientLocations locations_;
  OpBuilder builder_;
  DenseSet<Value> varying_; // floats that depend on one of `wrt`
  DenseMap<Value, Value> cotangents_;
};

LogicalResult Differentiator::run() {
  findVarying();
  Value loss = gradient_.getLoss();
  accumulate(loss, constant(loss, 1));
  for (Operation* op : findActive())
    if (failed(visit(op)))
      return failure();
  for (auto [value, result] :
       llvm::zip(gradient_.getWrt(), gradient_.getGradients())) {
    Value cotangent = cotangents_.lookup(value);
    result.replaceAllUsesWith(cotangent ? cotangent : constant(value, 0));
  }
  gradient_.erase();
  return success();
}

void Differentiator::findVarying() {
  varying_.insert_range(gradient_.getWrt());
  for (Operation& op : *gradient_->getBlock()) {
    if (&op == gradient_)
      return;
    auto varies = [&](Value operand) { return varying_.contains(operand); };
    if (llvm::any_of(op.getOperands(), varies))
      for (Value result : op.getResults())
        if (isa<FloatType>(elementOf(result)))
          varying_.insert(result);
  }
}

// The ops between `wrt` and `loss`, last first.
SmallVector<Operation*> Differentiator::findActive() {
  DenseSet<Operation*> reached;
  SmallVector<Value> open{gradient_.getLoss()};
  while (!open.empty()) {
    Value value = open.pop_back_val();
    Operation* op = value.getDefiningOp();
    auto varies = [&](Value operand) { return varying_.contains(operand); };
    if (op && varies(value) && llvm::any_of(op->getOperands(), varies) &&
        reached.insert(op).second)
      llvm::append_range(open, op->getOperands());
  }
  SmallVector<Operation*> ordered(reached.begin(), reached.end());
  llvm::sort(ordered,
             [](Operation* a, Operation* b) { return b->isBeforeInBlock(a); });
  return ordered;
}

LogicalResult Differentiator::visit(Operation* op) {
  SmallVector<Value> cotangents = cotangentsOf(op);
  if (cotangents.empty())
    return success();
  SmallVector<bool> needed;
  for (Value operand : op->getOperands())
    needed.push_back(varying_.contains(operand));
  auto differentiable = dyn_cast<Differentiable>(op);
  FailureOr<SmallVector<Value>> flows = failure();
  if (differentiable)
    flows = differentiable.vjp(builder_, cotangents, needed);
  if (failed(flows)) {
    InFlightDiagnostic error = op->emitOpError("has no gradient");
    error.attachNote(gradient_.getLoc()) << "which is asked for here";
    return error;
  }
  for (auto [operand, flow, isNeeded] :
       llvm::zip_equal(op->getOperands(), *flows, needed)) {
    if (!isNeeded || !flow)
      continue;
    if (flow.getType() != operand.getType())
      return op->emitOpError("has a gradient of type ")
             << flow.getType() << " for an operand of " << operand.getType();
    accumulate(operand, flow);
  }
  return success();
}

// One value a result, zeros where nothing flows; none if nothing flows at all.
SmallVector<Value> Differentiator::cotangentsOf(Operation* op) {
  SmallVector<Value> cotangents;
  auto flows = [&](Value result) { return cotangents_.contains(result); };
  if (llvm::any_of(op->getResults(), flows))
    for (Value result : op->getResults())
      cotangents.push_back(flows(result) ? cotangents_.lookup(result)
                                         : constant(result, 0));
  return cotangents;
}

void Differentiator::accumulate(Value value, Value addend) {
  Value& sum = cotangents_[value];
  sum = sum ? BinaryOp::create(builder_, value.getLoc(), "add", sum, addend)
                  .getOutput()
            : addend;
}

struct Differentiate : impl::DifferentiateBase<Differentiate> {
  void runOnOperation() override {
    auto any = [](GradientOp) { return WalkResult::interrupt(); };
    if (!getOperation().walk(any).wasInterrupted())
      return;
    // A parameter that the graph names twice is one value with one gradient.
    IRRewriter rewriter(&getContext());
    DominanceInfo dominance(getOperation());
    eliminateCommonSubExpressions(rewriter, dominance, getOperation());
    SmallVector<GradientOp> gradients;
    getOperation().walk([&](GradientOp op) { gradients.push_back(op); });
    // In order: a gradient of a gradient stands after it.
    for (GradientOp gradient : gradients)
      if (failed(Differentiator(gradient).run()))
        return signalPassFailure();
  }
};

} // namespace
} // namespace burin
