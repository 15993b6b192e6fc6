// SPDX-License-Identifier: Apache-2.0
// Decides what runs as one step. Three sweeps over the block: contractions
// take their epilogues, generated ops gather by rows, the rest are library
// calls. Every group is placed at its last op, so nothing it reads can be
// missing; what its results must not do is be used before that.
#include "compiler/codegen/cpu/row_form.h"
#include "compiler/dialect/dialect.h"
#include "compiler/passes/passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace burin {

#define GEN_PASS_DEF_FORMREGIONS
#include "compiler/passes/passes.h.inc"

namespace {

struct Group {
  StringRef kind;
  SmallVector<Operation*> ops; // in block order
  SmallVector<int64_t> rows;   // of a "rows" group

  Operation* last() const { return ops.back(); }
};

class RegionFormer {
public:
  RegionFormer(Block& block, bool gpu) : block_(block), gpu_(gpu) {}

  LogicalResult run() {
    if (failed(classify()))
      return failure();
    for (Operation* op : order_)
      if (library_.count(op))
        formContraction(op);
    for (Operation* op : order_)
      if (forms_.count(op) && !groupOf_.count(op) && !isSunk(op))
        gather(op);
    for (auto& group : groups_)
      build(*group);
    // What was copied into every user is dead now.
    for (Operation* op : llvm::reverse(order_))
      if (isSunk(op) && op->use_empty())
        op->erase();
    return success();
  }

private:
  LogicalResult classify();
  bool isSmall(Operation* op) const;
  bool isSunk(Operation* op) const { return sunk_.contains(op); }
  void formContraction(Operation* root);
  Value formGate(Group& group, Value result);
  bool joinsEpilogue(Operation* op, Value result) const;
  void gather(Operation* op);
  void merge(Group& group, Group& other);
  bool mayJoin(Operation* op, const Group& group) const;
  bool isElementwise(const Group& group) const;
  void build(Group& group);
  Group& addGroup(StringRef kind, Operation* op);

  Block& block_;
  bool gpu_;
  SmallVector<Operation*> order_;
  DenseMap<Operation*, RowForm> forms_;
  DenseMap<Operation*, LibraryCall> library_;
  // Ops of parameters and constants alone: each user computes them anew.
  llvm::DenseSet<Operation*> sunk_;
  std::vector<std::unique_ptr<Group>> groups_;
  DenseMap<Operation*, Group*> groupOf_;
};

// A parameter or a window of one.
static bool isWeight(Operation* op) {
  if (auto view = dyn_cast<Viewing>(op)) {
    Operation* source = op->getOperand(0).getDefiningOp();
    return !view.gathers() && source && isWeight(source);
  }
  return isa<ParameterOp>(op);
}

// Whether every reader of `op` is elementwise over far more elements, or is
// itself computed by such readers, so that computing it there costs less than a
// step of its own. Readers are decided first.
bool RegionFormer::isSmall(Operation* op) const {
  constexpr int64_t kFar = 32;
  auto form = forms_.find(op);
  if (form == forms_.end() || !form->second.elementwise || op->use_empty())
    return false;
  auto count = [](Operation* each) {
    return cast<ShapedType>(each->getResult(0).getType()).getNumElements();
  };
  return llvm::all_of(op->getUsers(), [&](Operation* user) {
    auto other = forms_.find(user);
    return other != forms_.end() && other->second.elementwise &&
           (count(user) >= kFar * count(op) || isSunk(user));
  });
}

LogicalResult RegionFormer::classify() {
  for (Operation& op : block_) {
    order_.push_back(&op);
    if (isa<Viewing>(op))
      continue;
    if (auto library = dyn_cast<LibraryBacked>(op)) {
      FailureOr<LibraryCall> call = library.libraryCall();
      if (failed(call))
        return failure();
      library_[&op] = std::move(*call);
    } else if (isa<Lowerable>(op)) {
      FailureOr<RowForm> form = rowForm(&op);
      if (failed(form))
        return op.emitOpError("has neither generated code nor a library "
                              "kernel for these operands");
      bool fixed = llvm::all_of(op.getOperands(), [&](Value operand) {
        Operation* source = operand.getDefiningOp();
        return source && (isWeight(source) || isSunk(source));
      });
      if (op.getNumOperands() == 0 || (form->elementwise && fixed))
        sunk_.insert(&op);
      forms_[&op] = std::move(*form);
    }
  }
  if (gpu_)
    for (Operation* op : llvm::reverse(order_))
      if (isSmall(op))
        sunk_.insert(op);
  // A sunk op that something else than generated code reads must exist.
  for (Operation* op : llvm::reverse(order_)) {
    bool readDirectly = llvm::any_of(op->getUsers(), [&](Operation* user) {
      return !forms_.count(user) && !library_.count(user);
    });
    bool calls = llvm::any_of(
        op->getUsers(), [&](Operation* user) { return library_.count(user); });
    if (isSunk(op) && (readDirectly || calls))
      sunk_.erase(op);
  }
  return success();
}

Group& RegionFormer::addGroup(StringRef kind, Operation* op) {
  groups_.push_back(std::make_unique<Group>(Group{kind, {op}, {}}));
  groupOf_[op] = groups_.back().get();
  return *groups_.back();
}

// Whether `op` may follow in the epilogue that has computed `result`.
bool RegionFormer::joinsEpilogue(Operation* op, Value result) const {
  auto form = forms_.find(op);
  if (form == forms_.end() || !form->second.elementwise || isSunk(op))
    return false;
  if (op->getNumResults() != 1 ||
      cast<ShapedType>(op->getResult(0).getType()).getShape() !=
          cast<ShapedType>(result.getType()).getShape())
    return false;
  for (OpOperand& operand : op->getOpOperands())
    if (operand.get() == result &&
        !form->second.aligned[operand.getOperandNumber()])
      return false;
  return true;
}

void RegionFormer::formContraction(Operation* root) {
  bool tiled = library_[root].tiled;
  Group& group =
      addGroup(tiled ? RegionOp::kContraction : RegionOp::kLibrary, root);
  if (!tiled)
    return;
  Value result = root->getResult(0);
  while (!result.use_empty()) {
    Operation* user = *result.user_begin();
    bool alone = llvm::all_of(result.getUsers(),
                              [&](Operation* each) { return each == user; });
    if (!alone) {
      Value gated = gpu_ ? formGate(group, result) : Value();
      if (!gated)
        break;
      result = gated;
      continue;
    }
    if (groupOf_.count(user) || !joinsEpilogue(user, result))
      break;
    group.ops.push_back(user);
    groupOf_[user] = &group;
    result = user->getResult(0);
  }
}

// Which half of the last axis of `whole` the op takes, or nothing.
static std::optional<int64_t> halfOf(Operation* op, Value whole) {
  auto view = dyn_cast<Viewing>(op);
  if (!view || view.gathers() || !view.window())
    return std::nullopt;
  auto type = cast<RankedTensorType>(whole.getType());
  auto part = cast<RankedTensorType>(op->getResult(0).getType());
  Window window = *view.window();
  int64_t half = type.getShape().back() / 2;
  if (window.axis != type.getRank() - 1 || part.getShape().back() != half ||
      window.starts[0] % half != 0)
    return std::nullopt;
  return window.starts[0] / half;
}

// Where `result` is read as two halves that elementwise ops bring together
// again (values times their gates), takes all of that into the group; the
// answer is what they become, or null where the group is left as it was.
Value RegionFormer::formGate(Group& group, Value result) {
  SmallVector<Operation*> ops(result.getUsers());
  if (ops.size() != 2 || !halfOf(ops[0], result) || !halfOf(ops[1], result) ||
      *halfOf(ops[0], result) == *halfOf(ops[1], result) ||
      cast<RankedTensorType>(result.getType()).getShape().back() % 2 != 0)
    return {};
  llvm::SetVector<Value> open;
  open.insert(ops[0]->getResult(0));
  open.insert(ops[1]->getResult(0));
  while (open.size() > 1) {
    // The first op in the block that reads one of them.
    Operation* next = nullptr;
    for (Value value : open)
      for (Operation* user : value.getUsers())
        if (!next || user->isBeforeInBlock(next))
          next = user;
    if (!next || groupOf_.count(next))
      return {};
    for (Value operand : next->getOperands())
      if (open.contains(operand) && (!joinsEpilogue(next, operand) ||
                                     !llvm::all_equal(operand.getUsers())))
        return {};
    for (Value operand : next->getOperands())
      open.remove(operand);
    ops.push_back(next);
    open.insert(next->getResult(0));
  }
  llvm::sort(ops,
             [](Operation* a, Operation* b) { return a->isBeforeInBlock(b); });
  for (Operation* op : ops) {
    group.ops.push_back(op);
    groupOf_[op] = &group;
  }
  return open[0];
}

// Whether `op` visits the rows of `group`, reads the group's values only at
// its own row, and can be its last op without anyone having read those values
// before.
bool RegionFormer::mayJoin(Operation* op, const Group& group) const {
  const RowForm& form = forms_.at(op);
  if (group.kind != RegionOp::kRows || form.rows != group.rows)
    return false;
  for (OpOperand& operand : op->getOpOperands()) {
    Operation* source = operand.get().getDefiningOp();
    if (source && groupOf_.lookup(source) == &group &&
        !form.aligned[operand.getOperandNumber()])
      return false;
  }
  for (Operation* member : group.ops)
    for (Operation* user : member->getUsers())
      if (groupOf_.lookup(user) != &group && user->isBeforeInBlock(op))
        return false;
  return true;
}

bool RegionFormer::isElementwise(const Group& group) const {
  return llvm::all_of(group.ops,
                      [&](Operation* op) { return forms_.at(op).elementwise; });
}

// `op` may join both groups, so nobody but it reads the one's values in the
// other: what has been two steps becomes one.
void RegionFormer::merge(Group& group, Group& other) {
  for (Operation* member : other.ops)
    groupOf_[member] = &group;
  group.ops.append(other.ops);
  llvm::sort(group.ops,
             [](Operation* a, Operation* b) { return a->isBeforeInBlock(b); });
  llvm::erase_if(groups_, [&](auto& each) { return each.get() == &other; });
}

void RegionFormer::gather(Operation* op) {
  Group* joined = nullptr;
  for (Value operand : op->getOperands()) {
    Operation* source = operand.getDefiningOp();
    Group* group = source ? groupOf_.lookup(source) : nullptr;
    if (!group || group == joined || !mayJoin(op, *group))
      continue;
    if (!joined)
      joined = group;
    else if (gpu_ || (isElementwise(*joined) && isElementwise(*group)))
      merge(*joined, *group);
  }
  if (!joined) {
    addGroup(RegionOp::kRows, op).rows = forms_.at(op).rows;
    return;
  }
  joined->ops.push_back(op);
  groupOf_[op] = joined;
}

void RegionFormer::build(Group& group) {
  llvm::SmallPtrSet<Operation*, 8> members(group.ops.begin(), group.ops.end());
  // Sunk operands, in dependence order, before the op that needs them.
  llvm::SetVector<Operation*> ops;
  auto take = [&](auto&& self, Operation* op) -> void {
    for (Value operand : op->getOperands())
      if (Operation* source = operand.getDefiningOp())
        if (isSunk(source) && !members.contains(source))
          self(self, source);
    ops.insert(op);
  };
  for (Operation* op : group.ops)
    take(take, op);

  llvm::SetVector<Value> inputs;
  SmallVector<Value> outputs;
  for (Operation* op : ops) {
    for (Value operand : op->getOperands())
      if (!operand.getDefiningOp() || !ops.contains(operand.getDefiningOp()))
        inputs.insert(operand);
    if (!members.contains(op))
      continue;
    // A library kernel of several results writes each, read or not.
    bool whole = op->getNumResults() > 1 && library_.count(op);
    for (Value result : op->getResults())
      if (whole || llvm::any_of(result.getUsers(), [&](Operation* user) {
            return !members.contains(user);
          }))
        outputs.push_back(result);
  }

  OpBuilder builder(group.last());
  Location location = group.kind == RegionOp::kRows ? group.last()->getLoc()
                                                    : group.ops[0]->getLoc();
  auto region =
      RegionOp::create(builder, location, TypeRange(ValueRange(outputs)),
                       group.kind, inputs.getArrayRef(), /*kernel=*/{},
                       /*captures=*/{});
  IRMapping mapping;
  Block& body = region.getBody().emplaceBlock();
  for (Value input : inputs)
    mapping.map(input, body.addArgument(input.getType(), location));
  builder.setInsertionPointToEnd(&body);
  // A library op must come first; nothing it reads is computed here.
  for (Operation* op : ops)
    if (library_.count(op))
      builder.clone(*op, mapping);
  for (Operation* op : ops)
    if (!library_.count(op))
      builder.clone(*op, mapping);
  SmallVector<Value> yielded;
  for (Value output : outputs)
    yielded.push_back(mapping.lookup(output));
  YieldOp::create(builder, location, yielded);
  for (auto [output, result] : llvm::zip(outputs, region.getResults()))
    output.replaceAllUsesWith(result);
  for (Operation* op : llvm::reverse(group.ops))
    op->erase();
}

} // namespace

LogicalResult formRegions(Block& block, bool gpu) {
  return RegionFormer(block, gpu).run();
}

namespace {

struct FormRegions : impl::FormRegionsBase<FormRegions> {
  using FormRegionsBase::FormRegionsBase;

  void runOnOperation() override {
    if (!getOperation().getBody().hasOneBlock())
      return;
    if (failed(formRegions(getOperation().getBody().front(), gpu)))
      signalPassFailure();
  }
};

} // namespace
} // namespace burin
