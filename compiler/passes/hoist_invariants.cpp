// SPDX-License-Identifier: Apache-2.0
// Splits what does not depend on the sampling step from a function.
//
//   unet(sample, timestep, context {burin.invariant}) -> sample
//     becomes
//   unet.invariants(context) -> invariant.0, invariant.1, ...
//   unet(sample, timestep, invariant.0, invariant.1, ...) -> sample
//
// The caller runs the first once and hands its results to every step. What
// depends on weights alone is left where it is: it is cheap or packed anyway.
#include "compiler/dialect/dialect.h"
#include "compiler/passes/kernels.h"
#include "compiler/passes/passes.h"

#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace burin {

#define GEN_PASS_DEF_HOISTINVARIANTS
#include "compiler/passes/passes.h.inc"

namespace {

class Splitter {
public:
  explicit Splitter(func::FuncOp function)
      : function_(function), body_(function.getBody().front()) {}

  void run() {
    classify();
    if (frontier_.empty())
      return;
    nameValues();
    writeInvariants();
    rewriteStep();
  }

private:
  void classify();
  void nameValues();
  void writeInvariants();
  void rewriteStep();
  bool isFree(Value value) const {
    Operation* op = value.getDefiningOp();
    return op && fixed_.contains(op);
  }

  func::FuncOp function_;
  Block& body_;
  llvm::DenseSet<Value> invariant_;  // depend on an invariant argument
  llvm::DenseSet<Operation*> fixed_; // depend on no argument
  llvm::SetVector<Value> frontier_;  // invariant, and read by the step
  SmallVector<StringAttr> names_;    // of the frontier
};

void Splitter::classify() {
  for (auto [i, argument] : llvm::enumerate(body_.getArguments()))
    if (function_.getArgAttr(i, kInvariantAttr))
      invariant_.insert(argument);
  for (Operation& op : body_.without_terminator()) {
    auto known = [&](Value operand) {
      return invariant_.contains(operand) || isFree(operand);
    };
    if (!llvm::all_of(op.getOperands(), known))
      continue;
    if (llvm::all_of(op.getOperands(),
                     [&](Value operand) { return isFree(operand); }))
      fixed_.insert(&op);
    else
      invariant_.insert_range(op.getResults());
  }
  for (Operation& op : body_)
    if (op.getNumResults() == 0 || !invariant_.contains(op.getResult(0)))
      for (Value operand : op.getOperands())
        if (invariant_.contains(operand) && !isa<BlockArgument>(operand))
          frontier_.insert(operand);
}

void Splitter::nameValues() {
  OpBuilder builder(function_);
  for (size_t i = 0; i < frontier_.size(); ++i)
    names_.push_back(builder.getStringAttr("invariant." + std::to_string(i)));
}

void Splitter::writeInvariants() {
  OpBuilder builder(function_);
  SmallVector<Type> inputs;
  SmallVector<unsigned> arguments;
  for (BlockArgument argument : body_.getArguments())
    if (invariant_.contains(argument)) {
      inputs.push_back(argument.getType());
      arguments.push_back(argument.getArgNumber());
    }
  auto once = func::FuncOp::create(
      builder, function_.getLoc(),
      (function_.getSymName() + kInvariantsSuffix).str(),
      builder.getFunctionType(inputs,
                              ValueRange(frontier_.getArrayRef()).getTypes()));
  Block* entry = once.addEntryBlock();
  IRMapping mapping;
  for (auto [i, argument] : llvm::enumerate(arguments)) {
    mapping.map(body_.getArgument(argument), entry->getArgument(i));
    if (Attribute name = function_.getArgAttr(argument, kValueNameAttr))
      once.setArgAttr(i, kValueNameAttr, name);
  }
  for (auto [i, name] : llvm::enumerate(names_))
    once.setResultAttr(i, kValueNameAttr, name);

  // Everything the frontier needs, in the order it stands in.
  llvm::DenseSet<Operation*> needed;
  SmallVector<Value> open(frontier_.begin(), frontier_.end());
  while (!open.empty())
    if (Operation* op = open.pop_back_val().getDefiningOp())
      if (needed.insert(op).second)
        llvm::append_range(open, op->getOperands());
  builder.setInsertionPointToStart(entry);
  for (Operation& op : body_)
    if (needed.contains(&op))
      builder.clone(op, mapping);
  SmallVector<Value> results;
  for (Value value : frontier_)
    results.push_back(mapping.lookup(value));
  func::ReturnOp::create(builder, function_.getLoc(), results);
}

void Splitter::rewriteStep() {
  for (auto [hoisted, name] : llvm::zip(frontier_, names_)) {
    Value value = hoisted;
    unsigned at = function_.getNumArguments();
    NamedAttribute attribute(
        StringAttr::get(value.getContext(), kValueNameAttr), name);
    (void)function_.insertArgument(
        at, value.getType(), DictionaryAttr::get(value.getContext(), attribute),
        value.getLoc());
    value.replaceAllUsesWith(function_.getArgument(at));
  }
  SmallVector<Operation*> ops;
  for (Operation& op : body_.without_terminator())
    ops.push_back(&op);
  for (Operation* op : llvm::reverse(ops))
    if (isOpTriviallyDead(op))
      op->erase();
  for (unsigned i = function_.getNumArguments(); i-- > 0;)
    if (invariant_.contains(function_.getArgument(i)) &&
        function_.getArgument(i).use_empty())
      (void)function_.eraseArgument(i);
}

struct HoistInvariants : impl::HoistInvariantsBase<HoistInvariants> {
  void runOnOperation() override {
    for (auto function :
         llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>())) {
      bool marked = false;
      for (unsigned i = 0; i < function.getNumArguments(); ++i)
        marked |= function.getArgAttr(i, kInvariantAttr) != nullptr;
      if (marked && function.getBody().hasOneBlock())
        Splitter(function).run();
    }
  }
};

} // namespace
} // namespace burin
