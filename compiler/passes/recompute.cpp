// SPDX-License-Identifier: Apache-2.0
// Fits a function into a memory budget. With live(t) the bytes in step t and B
// the budget, a buffer of b bytes that lies unread in steps u < t < v frees
//   sum over u < t < v, live(t) > B of b
// if its values are computed again at v. Buffers go by what they free for the
// time that costs, the rest is forecast anew, until live(t) <= B everywhere.
#include "compiler/dialect/dialect.h"
#include "compiler/dialect/inference.h"
#include "compiler/passes/kernels.h"
#include "compiler/passes/memory_forecast.h"
#include "compiler/passes/passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace burin {

#define GEN_PASS_DEF_RECOMPUTE
#include "compiler/passes/passes.h.inc"

namespace {

// A buffer's rest between two uses, and what it takes to end it.
struct Candidate {
  size_t buffer;
  int64_t begin, end;               // the uses around the rest
  Operation* reader;                // the first in the block after the rest
  SmallVector<Value> wanted;        // its values that are read later
  llvm::SetVector<Operation*> ops;  // to copy, before what they read
  llvm::SetVector<size_t> extended; // buffers that must live until `end`
  double cost = 0, score = 0;
};

// Time in bytes of memory traffic: operations of a library kernel count as a
// matrix unit does them, others as a vector unit does.
double costOf(Operation* op, int64_t bytes) {
  // Operations that take as long as a byte, on an H100: 990 TFLOP/s of bf16
  // products, or 60 of f32 arithmetic, by 3.35 TB/s.
  constexpr double kProducts = 300, kArithmetic = 18;
  auto costed = dyn_cast<Costed>(op);
  double flops = costed ? costed.cost().flops : 0;
  return bytes + flops / (isa<LibraryBacked>(op) ? kProducts : kArithmetic);
}

class Recomputer {
public:
  Recomputer(func::FuncOp function, bool gpu, int64_t budget)
      : function_(function), gpu_(gpu), budget_(budget) {}

  // The least arena found: within the budget, unless that cannot be.
  FailureOr<int64_t> run();

private:
  bool step(int64_t limit);
  std::optional<Candidate> candidateOf(size_t buffer);
  bool collect(Candidate& c, Operation* op);
  bool isThere(Value value, const Candidate& c) const;
  Operation* copyOf(Value value, const Candidate& c) const;
  void rate(Candidate& c);
  bool take(const Candidate& c);
  void apply(const Candidate& c);
  void moveBefore(Operation* op, Operation* point);
  void countExcess();
  int64_t excess(int64_t begin, int64_t end) const {
    return end > begin + 1 ? excess_[end] - excess_[begin + 1] : 0;
  }
  bool isLate(Operation* op, const Candidate& c) const {
    return forecast_.lastOps[c.begin]->isBeforeInBlock(op);
  }

  func::FuncOp function_;
  bool gpu_;
  int64_t budget_;
  int64_t limit_ = 0; // of live bytes
  MemoryForecast forecast_;
  std::vector<int64_t> excess_;  // steps over the limit before each step
  DenseMap<Value, Value> again_; // the last copy of a value
};

FailureOr<int64_t> Recomputer::run() {
  constexpr int kRounds = 40, kPatience = 6;
  int64_t least = INT64_MAX;
  int stale = 0;
  for (int round = 0;; ++round) {
    FailureOr<MemoryForecast> forecast = forecastMemory(function_, gpu_);
    if (failed(forecast))
      return failure();
    forecast_ = std::move(*forecast);
    // A device packs weights and keeps sums beside what is forecast.
    int64_t arena = forecast_.arena + forecast_.arena / 64;
    stale = arena < least ? 0 : stale + 1;
    least = std::min(least, arena);
    if (arena <= budget_)
      return arena;
    // As much as the placement wastes now is not to be filled. From the top, as
    // what frees most depends on how much is over the limit.
    constexpr double kRound = 0.9;
    int64_t peak = *llvm::max_element(forecast_.live);
    int64_t limit =
        std::max(budget_ - (arena - peak), static_cast<int64_t>(kRound * peak));
    if (round == kRounds || stale == kPatience || !step(limit))
      return least;
  }
}

// Takes candidates until no step is over the limit; whether there was one.
bool Recomputer::step(int64_t limit) {
  limit_ = limit;
  countExcess();
  std::vector<Candidate> candidates;
  for (size_t i = 0; i < forecast_.buffers.size(); ++i)
    if (std::optional<Candidate> c = candidateOf(i))
      candidates.push_back(std::move(*c));
  llvm::stable_sort(candidates, [](const Candidate& a, const Candidate& b) {
    return a.score > b.score;
  });
  std::vector<const Candidate*> taken;
  for (const Candidate& c : candidates)
    if (take(c))
      taken.push_back(&c);
  // A copy reads copies of what was computed before it.
  llvm::stable_sort(taken, [&](const Candidate* a, const Candidate* b) {
    return b->ops.back()->isBeforeInBlock(a->ops.back());
  });
  for (const Candidate* c : taken)
    apply(*c);
  return !taken.empty();
}

void Recomputer::countExcess() {
  excess_.assign(1, 0);
  for (int64_t live : forecast_.live)
    excess_.push_back(excess_.back() + (live > limit_));
}

// The rest of a buffer that covers most of the excess.
std::optional<Candidate> Recomputer::candidateOf(size_t index) {
  const ForecastBuffer& buffer = forecast_.buffers[index];
  Candidate c = {index, 0, 0, nullptr, {}, {}, {}};
  int64_t most = 0;
  for (size_t i = 0; i + 1 < buffer.uses.size(); ++i)
    if (int64_t over = excess(buffer.uses[i], buffer.uses[i + 1]);
        over > most) {
      most = over;
      c.begin = buffer.uses[i];
      c.end = buffer.uses[i + 1];
    }
  if (most == 0)
    return std::nullopt;
  for (Value value : buffer.values) {
    // A buffer that is filled later than this holds what it must.
    Operation* op = value.getDefiningOp();
    if (!op || isLate(op, c))
      return std::nullopt;
    bool wanted = false;
    for (Operation* user : value.getUsers()) {
      bool late = isLate(user, c);
      auto step = forecast_.stepOf.find(user);
      if (!late && step != forecast_.stepOf.end() && step->second >= c.end)
        return std::nullopt; // reads late what it must find early
      if (late && (!c.reader || user->isBeforeInBlock(c.reader)))
        c.reader = user;
      wanted |= late;
    }
    if (wanted)
      c.wanted.push_back(value);
  }
  if (!c.reader)
    return std::nullopt;
  for (Value value : c.wanted)
    if (!collect(c, value.getDefiningOp()))
      return std::nullopt;
  rate(c);
  if (c.score <= 0)
    return std::nullopt;
  return c;
}

// Whether `value` lies somewhere when the rest ends.
bool Recomputer::isThere(Value value, const Candidate& c) const {
  auto found = forecast_.bufferOf.find(value);
  if (found == forecast_.bufferOf.end() || found->second < 0)
    return found != forecast_.bufferOf.end();
  return found->second != static_cast<int64_t>(c.buffer) &&
         forecast_.buffers[found->second].uses.back() >= c.end;
}

// The copy of `value` that is computed near the end of the rest, or null.
Operation* Recomputer::copyOf(Value value, const Candidate& c) const {
  constexpr int64_t kNear = 128;
  Value again = again_.lookup(value);
  if (!again)
    return nullptr;
  auto step = forecast_.stepOf.find(again.getDefiningOp());
  bool near =
      step == forecast_.stepOf.end() || std::abs(step->second - c.end) <= kNear;
  return near ? again.getDefiningOp() : nullptr;
}

// Adds `op` and what it needs to the copies. False: too much.
bool Recomputer::collect(Candidate& c, Operation* op) {
  constexpr size_t kMostOps = 48;
  if (c.ops.contains(op))
    return true;
  for (Value operand : op->getOperands()) {
    Operation* source = operand.getDefiningOp();
    if (!source || isThere(operand, c) || copyOf(operand, c))
      continue;
    auto buffer = forecast_.bufferOf.find(operand);
    bool kept = buffer != forecast_.bufferOf.end() &&
                buffer->second != static_cast<int64_t>(c.buffer);
    // What takes long to compute is rather kept for longer.
    constexpr double kLong = 4;
    if (kept && isa<LibraryBacked>(source) &&
        costOf(source, trafficBytes(source)) >
            kLong * forecast_.buffers[buffer->second].bytes) {
      c.extended.insert(buffer->second);
      continue;
    }
    if (!collect(c, source))
      return false;
  }
  c.ops.insert(op);
  return c.ops.size() <= kMostOps;
}

void Recomputer::rate(Candidate& c) {
  const ForecastBuffer& buffer = forecast_.buffers[c.buffer];
  double freed = static_cast<double>(buffer.bytes) * excess(c.begin, c.end);
  for (size_t index : c.extended) {
    const ForecastBuffer& other = forecast_.buffers[index];
    freed -=
        static_cast<double>(other.bytes) * excess(other.uses.back(), c.end);
  }
  c.cost = buffer.bytes;
  for (Operation* op : c.ops) {
    c.cost += costOf(op, isa<LibraryBacked>(op) ? trafficBytes(op) : 0);
    for (Value operand : op->getOperands())
      if (isThere(operand, c))
        c.cost += tensorOf(operand).getNumElements() *
                  std::max(1u, tensorOf(operand).getElementTypeBitWidth() / 8);
  }
  c.score = freed / c.cost;
}

// Whether the candidate still frees something; the forecast then shows it.
bool Recomputer::take(const Candidate& c) {
  if (excess(c.begin, c.end) == 0)
    return false;
  auto add = [&](int64_t begin, int64_t end, int64_t bytes) {
    for (int64_t step = begin + 1; step < end; ++step)
      forecast_.live[step] += bytes;
  };
  add(c.begin, c.end, -forecast_.buffers[c.buffer].bytes);
  for (size_t index : c.extended) {
    const ForecastBuffer& other = forecast_.buffers[index];
    add(other.uses.back(), c.end, other.bytes);
  }
  countExcess();
  return true;
}

// Copies, and copies that they read, may move towards the forward pass.
void Recomputer::moveBefore(Operation* op, Operation* point) {
  if (op->isBeforeInBlock(point))
    return;
  op->moveBefore(point);
  for (Value operand : op->getOperands())
    if (Operation* source = operand.getDefiningOp())
      moveBefore(source, op);
}

// Tells profiles which layer's values are computed again.
static Location copyLocation(Location location) {
  auto name = dyn_cast<NameLoc>(location);
  std::string text = name ? name.getName().str() : "";
  if (!StringRef(text).ends_with(kAgainSuffix))
    text += kAgainSuffix;
  return NameLoc::get(StringAttr::get(location.getContext(), text),
                      name ? name.getChildLoc() : location);
}

void Recomputer::apply(const Candidate& c) {
  // Copies that other candidates made since may read first.
  Operation* point = nullptr;
  for (Value value : c.wanted)
    for (Operation* user : value.getUsers())
      if (isLate(user, c) && (!point || user->isBeforeInBlock(point)))
        point = user;
  if (!point)
    return;
  OpBuilder builder(point);
  IRMapping mapping;
  for (Operation* op : c.ops)
    for (Value operand : op->getOperands()) {
      Operation* source = operand.getDefiningOp();
      if (!source || c.ops.contains(source) || isThere(operand, c))
        continue;
      if (Operation* again = copyOf(operand, c)) {
        moveBefore(again, point);
        mapping.map(operand, again_.lookup(operand));
      }
    }
  llvm::DenseSet<Operation*> made;
  for (Operation* op : c.ops) {
    Operation* copy = builder.clone(*op, mapping);
    copy->setLoc(copyLocation(op->getLoc()));
    made.insert(copy);
    for (auto [value, again] : llvm::zip(op->getResults(), copy->getResults()))
      again_[value] = again;
  }
  for (Value value : c.wanted)
    value.replaceUsesWithIf(mapping.lookup(value), [&](OpOperand& use) {
      return isLate(use.getOwner(), c) && !made.contains(use.getOwner());
    });
}

// What arguments and results take: those of one name are one buffer.
int64_t boundaryBytes(func::FuncOp function) {
  llvm::StringMap<int64_t> named;
  int64_t bytes = 0;
  auto add = [&](Type type, Attribute name) {
    auto tensor = cast<RankedTensorType>(type);
    int64_t size = tensor.getNumElements() *
                   std::max(1u, tensor.getElementTypeBitWidth() / 8);
    auto text = dyn_cast_if_present<StringAttr>(name);
    if (!text || named.try_emplace(text.getValue(), size).second)
      bytes += size;
  };
  FunctionType type = function.getFunctionType();
  for (auto [i, input] : llvm::enumerate(type.getInputs()))
    add(input, function.getArgAttr(i, kValueNameAttr));
  for (auto [i, output] : llvm::enumerate(type.getResults()))
    add(output, function.getResultAttr(i, kValueNameAttr));
  return bytes;
}

std::string gibibytes(int64_t bytes) {
  return llvm::formatv("{0:f2} GiB", bytes / double(1 << 30));
}

struct Recompute : impl::RecomputeBase<Recompute> {
  using RecomputeBase::RecomputeBase;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    auto budget = function->getAttrOfType<IntegerAttr>(kMemoryBudgetAttr);
    if (!budget || !function.getBody().hasOneBlock())
      return;
    int64_t fixed = boundaryBytes(function);
    Recomputer recomputer(function, gpu, budget.getInt() - fixed);
    FailureOr<int64_t> arena = recomputer.run();
    if (failed(arena))
      return signalPassFailure();
    if (fixed + *arena > budget.getInt()) {
      function.emitError("'")
          << function.getSymName() << "' needs " << gibibytes(fixed + *arena)
          << ", " << gibibytes(fixed)
          << " of them for what goes in and out, when all that helps is "
             "computed again: "
          << gibibytes(fixed + *arena - budget.getInt())
          << " more than its memory budget of " << gibibytes(budget.getInt())
          << "; raise the budget or take fewer examples at a time";
      return signalPassFailure();
    }
    function->setAttr(
        kArenaBudgetAttr,
        Builder(&getContext()).getI64IntegerAttr(budget.getInt() - fixed));
  }
};

} // namespace
} // namespace burin
