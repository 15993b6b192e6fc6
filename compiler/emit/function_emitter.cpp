// SPDX-License-Identifier: Apache-2.0
// One function: placement of its values, steps with their slices, offsets in
// the arena.
#include "compiler/emit/function_emitter.h"

#include "compiler/passes/kernels.h"

using namespace mlir;

namespace burin {

LogicalResult FunctionEmitter::run(StepEmitter& steps) {
  FailureOr<FunctionPlacement> placement = placeFunction(function_);
  if (failed(placement))
    return failure();
  placement_ = std::move(*placement);
  arena_.resize(placement_.buffers.size());
  result_.name = function_.getSymName().str();
  if (failed(emitValues()))
    return failure();
  // By index: a packing of a computed weight adds a buffer.
  for (size_t i = 0; i < placement_.steps.size(); ++i)
    if (failed(emitStep(placement_.steps[i], steps)))
      return failure();
  return layOut();
}

static std::unique_ptr<module::ValueT>
valueOf(Type type, Attribute name, StringRef fallback, unsigned index) {
  auto tensor = cast<RankedTensorType>(type);
  auto result = std::make_unique<module::ValueT>();
  auto text = dyn_cast_if_present<StringAttr>(name);
  result->name = text ? text.str() : fallback.str() + std::to_string(index);
  result->dtype = moduleDType(tensor.getElementType());
  result->shape = std::vector<int64_t>(tensor.getShape());
  return result;
}

LogicalResult FunctionEmitter::emitValues() {
  FunctionType type = function_.getFunctionType();
  for (auto [i, input] : llvm::enumerate(type.getInputs()))
    result_.inputs.push_back(
        valueOf(input, function_.getArgAttr(i, kValueNameAttr), "input", i));
  for (auto [i, output] : llvm::enumerate(type.getResults()))
    result_.outputs.push_back(valueOf(
        output, function_.getResultAttr(i, kValueNameAttr), "output", i));
  return success();
}

// The buffer is alive in the step about to be added.
void FunctionEmitter::touch(size_t buffer) {
  if (arena_.size() <= buffer)
    arena_.resize(buffer + 1);
  auto step = static_cast<int64_t>(result_.steps.size());
  ArenaBuffer& use = arena_[buffer];
  if (use.bytes == 0) {
    use.bytes = placement_.buffers[buffer].bytes;
    use.first = step;
  }
  use.last = step;
}

FailureOr<module::SliceT> FunctionEmitter::makeSlice(const Window2d& window) {
  const Buffer& buffer = placement_.buffers[window.buffer];
  module::SliceT slice;
  slice.index = static_cast<uint32_t>(buffer.index);
  slice.dtype = moduleDType(window.element);
  slice.byte_offset =
      window.offset * byteSize(static_cast<burin::DType>(slice.dtype));
  slice.shape = std::vector<int64_t>(window.shape.begin(), window.shape.end());
  slice.pitch = window.pitch;
  switch (buffer.home) {
  case Home::kInput:
    slice.storage = module::Storage::Input;
    break;
  case Home::kOutput:
    slice.storage = module::Storage::Output;
    break;
  case Home::kState:
    slice.storage = module::Storage::State;
    break;
  case Home::kArena:
    slice.storage = module::Storage::Arena;
    break;
  case Home::kConstant: {
    slice.storage = module::Storage::Constant;
    auto index = tables_.constant(buffer.value.getDefiningOp<ParameterOp>());
    if (failed(index))
      return failure();
    slice.index = *index;
    break;
  }
  }
  return slice;
}

FailureOr<uint32_t> FunctionEmitter::addSlice(const Window2d& window) {
  FailureOr<module::SliceT> slice = makeSlice(window);
  if (failed(slice))
    return failure();
  if (slice->storage == module::Storage::Arena)
    touch(window.buffer);
  sliceBuffers_.push_back(window.buffer);
  result_.slices.push_back(std::make_unique<module::SliceT>(*std::move(slice)));
  return static_cast<uint32_t>(result_.slices.size() - 1);
}

FailureOr<uint32_t> FunctionEmitter::addBytes(Buffer buffer) {
  placement_.buffers.push_back(buffer);
  Type byte = IntegerType::get(function_.getContext(), 8);
  return addSlice(
      {placement_.buffers.size() - 1, 0, buffer.bytes, {buffer.bytes}, byte});
}

FailureOr<uint32_t> FunctionEmitter::addState(uint32_t state, int64_t bytes) {
  return addBytes({Home::kState, state, {}, bytes});
}

FailureOr<uint32_t> FunctionEmitter::addBuffer(int64_t bytes) {
  return addBytes({Home::kArena, 0, {}, bytes});
}

void FunctionEmitter::keep(uint32_t slice) {
  if (result_.slices[slice]->storage == module::Storage::Arena)
    touch(sliceBuffers_[slice]);
}

void FunctionEmitter::addStep(module::VerbUnion verb, Location location,
                              uint64_t bytes) {
  auto step = std::make_unique<module::StepT>();
  step->verb = std::move(verb);
  step->location = locationText(location);
  step->bytes = bytes;
  result_.steps.push_back(std::move(step));
}

static uint64_t bytesOf(TypeRange types) {
  uint64_t bytes = 0;
  for (Type type : types) {
    auto tensor = cast<RankedTensorType>(type);
    bytes += tensor.getNumElements() *
             std::max(1u, tensor.getElementTypeBitWidth() / 8);
  }
  return bytes;
}

LogicalResult FunctionEmitter::emitStep(const PlacedStep& placed,
                                        StepEmitter& steps) {
  if (RegionOp region = placed.region) {
    if (bytesOf(region.getResultTypes()) == 0)
      return success(); // nothing to compute, and kernels need something
    size_t before = result_.steps.size();
    if (failed(steps.emit(region, *this)))
      return failure();
    if (result_.steps.size() == before)
      return success();
    module::StepT& step = *result_.steps.back();
    for (Operation& op : region.block())
      if (auto costed = dyn_cast<Costed>(op))
        step.flops += costed.cost().flops;
    step.bytes = bytesOf(region.getInputs().getTypes()) +
                 bytesOf(region.getResultTypes());
    return success();
  }
  FailureOr<uint32_t> source = addSlice(placed.source);
  FailureOr<uint32_t> target = addSlice(placed.target);
  if (failed(source) || failed(target))
    return failure();
  module::CopyT copy;
  copy.source = *source;
  copy.target = *target;
  uint64_t bytes =
      2 * ShapedType::getNumElements(placed.source.shape) *
      byteSize(static_cast<burin::DType>(moduleDType(placed.source.element)));
  module::VerbUnion verb;
  verb.Set(copy);
  addStep(std::move(verb), placed.op->getLoc(), bytes);
  return success();
}

LogicalResult FunctionEmitter::addKernelSlices(RegionOp region,
                                               std::vector<uint32_t>& to) {
  SmallVector<Value> values;
  for (int64_t capture : region.getCapturesAttr().asArrayRef())
    values.push_back(region.getInputs()[capture]);
  llvm::append_range(values, region.getResults());
  for (Value value : values) {
    FailureOr<uint32_t> slice = addSlice(value);
    if (failed(slice))
      return failure();
    to.push_back(*slice);
  }
  return success();
}

// Both must fill their buffers, and nothing else in the step may look at the
// one read.
void FunctionEmitter::noteSharing(RegionOp region, ArrayRef<uint32_t> own,
                                  ArrayRef<uint32_t> generated) {
  auto fills = [&](uint32_t slice) {
    const module::SliceT& view = *result_.slices[slice];
    int64_t extent = view.shape.empty() ? 1 : view.shape.back();
    auto bytes = ShapedType::getNumElements(view.shape) *
                 byteSize(static_cast<burin::DType>(view.dtype));
    return view.storage == module::Storage::Arena && view.byte_offset == 0 &&
           view.pitch == extent &&
           placement_.buffers[sliceBuffers_[slice]].bytes ==
               static_cast<int64_t>(bytes);
  };
  size_t captures = region.getCapturesAttr().size();
  for (auto [i, captured] :
       llvm::enumerate(tables_.inPlace(*region.getKernel()))) {
    if (captured < 0)
      continue;
    uint32_t source = generated[captured], result = generated[captures + i];
    size_t buffer = sliceBuffers_[source];
    auto sees = [&](uint32_t slice) { return sliceBuffers_[slice] == buffer; };
    if (fills(source) && fills(result) && llvm::none_of(own, sees) &&
        llvm::count_if(generated, sees) == 1)
      sharings_.push_back({buffer, sliceBuffers_[result]});
  }
}

LogicalResult FunctionEmitter::layOut() {
  std::vector<size_t> owner = shareBuffers(arena_, sharings_);
  result_.arena_bytes = planArena(arena_);
  std::string overlap = findOverlap(arena_);
  if (!overlap.empty())
    return function_.emitError("the memory plan is wrong: ") << overlap;
  auto budget = function_->getAttrOfType<IntegerAttr>(kArenaBudgetAttr);
  if (budget && static_cast<int64_t>(result_.arena_bytes) > budget.getInt())
    return function_.emitError("the kernels' own buffers exceed the memory "
                               "budget by ")
           << result_.arena_bytes - budget.getInt()
           << " bytes; raise it by as much";
  for (auto [slice, buffer] : llvm::zip(result_.slices, sliceBuffers_))
    if (slice->storage == module::Storage::Arena)
      slice->byte_offset += arena_[owner[buffer]].offset;
  return success();
}

} // namespace burin
