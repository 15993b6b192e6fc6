// SPDX-License-Identifier: Apache-2.0
// Regions as steps of the CPU: generated rows are launches, library kernels
// are calls with generated epilogues.
#include "compiler/emit/cpu_steps.h"

using namespace mlir;

namespace burin {

LogicalResult CpuSteps::emit(RegionOp region, FunctionEmitter& function) {
  return region.isRows() ? emitLaunch(region, function)
                         : emitCall(region, function);
}

LogicalResult CpuSteps::emitLaunch(RegionOp region, FunctionEmitter& function) {
  module::LaunchT launch;
  launch.kernel = tables_.kernel(*region.getKernel());
  launch.work_items = tables_.workItems(*region.getKernel());
  if (failed(function.addKernelSlices(region, launch.slices)))
    return failure();
  function.noteSharing(region, {}, launch.slices);
  module::VerbUnion verb;
  verb.Set(std::move(launch));
  function.addStep(std::move(verb), region.getLoc());
  return success();
}

static module::VerbUnion packingCall(const Packing& packing, uint32_t source,
                                     uint32_t target) {
  module::CallT call;
  call.kernel = packing.kernel;
  call.slices = {source, target};
  call.params.assign(packing.params.begin(), packing.params.end());
  call.callback_slice = 2;
  module::VerbUnion verb;
  verb.Set(std::move(call));
  return verb;
}

// The slice of `weight` in the packed form: a state filled by `prepare` where
// the weight is a constant, else a buffer packed just before it is used.
FailureOr<uint32_t> CpuSteps::packed(Value weight, const Packing& packing,
                                     Location location,
                                     FunctionEmitter& function) {
  FailureOr<module::SliceT> source = function.makeSlice(weight);
  if (failed(source))
    return failure();
  if (source->storage == module::Storage::Constant) {
    std::string key = tables_.constantName(source->index) + "|" +
                      packing.kernel + "|" +
                      std::to_string(source->byte_offset);
    for (int64_t param : packing.params)
      key += "," + std::to_string(param);
    PackedPart part{*source, [=](uint32_t from, uint32_t to) {
                      return packingCall(packing, from, to);
                    }};
    uint32_t state =
        tables_.packedState(key, packing.bytes, part, locationText(location));
    return function.addState(state, packing.bytes);
  }
  FailureOr<uint32_t> from = function.addSlice(weight);
  FailureOr<uint32_t> to = function.addBuffer(packing.bytes);
  if (failed(from) || failed(to))
    return failure();
  function.addStep(packingCall(packing, *from, *to), location,
                   2 * packing.bytes);
  return *to;
}

// Kernels are named by the type they compute in; float16 is for cards.
static LogicalResult checkServed(Operation* op, const LibraryCall& call) {
  if (!StringRef(call.kernel).ends_with(".f16"))
    return success();
  return op->emitOpError("has no kernel for 'f16' on a processor; cast to f32 "
                         "or bf16");
}

LogicalResult CpuSteps::emitCall(RegionOp region, FunctionEmitter& function) {
  auto root = cast<LibraryBacked>(region.root());
  FailureOr<LibraryCall> library = root.libraryCall();
  if (failed(library) || failed(checkServed(root, *library)))
    return failure();
  module::CallT call;
  call.kernel = library->kernel;
  call.params.assign(library->params.begin(), library->params.end());
  // Packing at run time comes before the slices of the call itself.
  SmallVector<std::optional<uint32_t>> packedSlices(library->operands.size());
  auto outside = [&](Value operand) {
    return region.getInputs()[cast<BlockArgument>(operand).getArgNumber()];
  };
  for (const Packing& packing : library->packings) {
    auto slice = packed(outside(library->operands[packing.operand]), packing,
                        region.getLoc(), function);
    if (failed(slice))
      return failure();
    packedSlices[packing.operand] = *slice;
  }
  for (std::optional<uint32_t> slice : packedSlices)
    if (slice)
      function.keep(*slice);
  auto add = [&](FailureOr<uint32_t> slice) {
    if (succeeded(slice))
      call.slices.push_back(*slice);
    return LogicalResult(slice);
  };
  for (auto [i, operand] : llvm::enumerate(library->operands))
    if (failed(add(packedSlices[i] ? FailureOr<uint32_t>(*packedSlices[i])
                                   : function.addSlice(outside(operand)))))
      return failure();
  if (!library->tiled)
    for (Value result : region.getResults())
      if (failed(add(function.addSlice(result))))
        return failure();
  call.callback_slice = static_cast<uint32_t>(call.slices.size());
  if (library->tiled) {
    call.callbacks = {tables_.kernel(*region.getKernel())};
    if (failed(function.addKernelSlices(region, call.slices)))
      return failure();
    ArrayRef<uint32_t> slices = call.slices;
    function.noteSharing(region, slices.take_front(call.callback_slice),
                         slices.drop_front(call.callback_slice));
  }
  module::VerbUnion verb;
  verb.Set(std::move(call));
  function.addStep(std::move(verb), region.getLoc());
  return success();
}

} // namespace burin
