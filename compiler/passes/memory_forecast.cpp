// SPDX-License-Identifier: Apache-2.0
// Compiles a copy as far as its memory plan. The copy's ops carry their number
// in the block, by which whatever regions make of them is found again.
#include "compiler/passes/memory_forecast.h"

#include "compiler/dialect/dialect.h"
#include "compiler/passes/passes.h"
#include "compiler/plan/arena.h"
#include "compiler/plan/placement.h"

using namespace mlir;

namespace burin {

namespace {

constexpr llvm::StringLiteral kNumberAttr = "burin.number";

class Forecaster {
public:
  Forecaster(func::FuncOp function, bool gpu)
      : function_(function), copy_(function.clone()), gpu_(gpu) {}

  FailureOr<MemoryForecast> run() {
    for (auto [op, copy] : llvm::zip(body(function_), body(*copy_))) {
      setNumber(&copy, static_cast<int64_t>(ops_.size()));
      ops_.push_back(&op);
    }
    if (failed(formRegions(body(*copy_), gpu_)))
      return failure();
    FailureOr<FunctionPlacement> placement = placeFunction(*copy_);
    if (failed(placement))
      return failure();
    placement_ = std::move(*placement);
    result_.buffers.resize(placement_.buffers.size());
    for (auto [i, buffer] : llvm::enumerate(placement_.buffers))
      result_.buffers[i].bytes = buffer.bytes;
    for (const PlacedStep& step : placement_.steps)
      addStep(step);
    for (auto [argument, same] :
         llvm::zip(copy_->getArguments(), function_.getArguments()))
      addValue(argument, same);
    for (Operation& op : body(*copy_))
      addValues(&op);
    layOut();
    return std::move(result_);
  }

private:
  static Block& body(func::FuncOp function) {
    return function.getBody().front();
  }
  static void setNumber(Operation* op, int64_t number) {
    auto type = IntegerType::get(op->getContext(), 64);
    op->setAttr(kNumberAttr, IntegerAttr::get(type, number));
  }
  Operation* original(Operation* op) const {
    return ops_[op->getAttrOfType<IntegerAttr>(kNumberAttr).getInt()];
  }

  void touch(size_t buffer) {
    if (placement_.buffers[buffer].home != Home::kArena)
      return;
    auto step = static_cast<int64_t>(result_.lastOps.size());
    auto& uses = result_.buffers[buffer].uses;
    if (uses.empty() || uses.back() != step)
      uses.push_back(step);
  }

  void addStep(const PlacedStep& step) {
    if (!step.region) {
      touch(step.source.buffer);
      touch(step.target.buffer);
      result_.lastOps.push_back(original(step.op));
      return;
    }
    auto number = static_cast<int64_t>(result_.lastOps.size());
    Operation* last = nullptr;
    RegionOp region = step.region;
    for (Operation& op : region.block().without_terminator()) {
      Operation* source = original(&op);
      result_.stepOf[source] = number;
      if (!last || last->isBeforeInBlock(source))
        last = source;
    }
    for (Value value : region->getOperands())
      touch(placement_.windows.at(value).buffer);
    for (Value value : region->getResults())
      touch(placement_.windows.at(value).buffer);
    result_.lastOps.push_back(last);
  }

  void addValue(Value copy, Value value) {
    size_t buffer = placement_.windows.at(copy).buffer;
    if (placement_.buffers[buffer].home != Home::kArena) {
      result_.bufferOf[value] = -1;
      return;
    }
    result_.bufferOf[value] = static_cast<int64_t>(buffer);
    result_.buffers[buffer].values.push_back(value);
  }

  void addValues(Operation* op) {
    if (auto region = dyn_cast<RegionOp>(op)) {
      for (auto [value, result] :
           llvm::zip(region.yield().getValues(), region.getResults())) {
        auto inner = cast<OpResult>(value);
        addValue(
            result,
            original(inner.getOwner())->getResult(inner.getResultNumber()));
      }
      return;
    }
    for (OpResult result : op->getResults())
      addValue(result, original(op)->getResult(result.getResultNumber()));
  }

  void layOut() {
    result_.live.assign(result_.lastOps.size() + 1, 0);
    std::vector<ArenaBuffer> arena;
    for (const ForecastBuffer& buffer : result_.buffers) {
      if (buffer.uses.empty())
        continue;
      arena.push_back({buffer.bytes, buffer.uses.front(), buffer.uses.back()});
      result_.live[buffer.uses.front()] += buffer.bytes;
      result_.live[buffer.uses.back() + 1] -= buffer.bytes;
    }
    for (size_t step = 1; step < result_.live.size(); ++step)
      result_.live[step] += result_.live[step - 1];
    result_.live.pop_back();
    result_.arena = planArena(arena);
  }

  func::FuncOp function_;
  OwningOpRef<func::FuncOp> copy_;
  bool gpu_;
  std::vector<Operation*> ops_; // of the function, by number
  FunctionPlacement placement_;
  MemoryForecast result_;
};

} // namespace

FailureOr<MemoryForecast> forecastMemory(func::FuncOp function, bool gpu) {
  return Forecaster(function, gpu).run();
}

} // namespace burin
