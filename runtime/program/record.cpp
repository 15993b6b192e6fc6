// SPDX-License-Identifier: Apache-2.0
// Translates the steps of a module's function into device commands.
#include <algorithm>
#include <optional>

#include "runtime/program/function.h"

namespace burin {
namespace {

using Values = flatbuffers::Vector<flatbuffers::Offset<module::Value>>;
using Indices = flatbuffers::Vector<uint32_t>;

std::vector<TensorSpec> specsOf(const Values& values) {
  std::vector<TensorSpec> specs;
  specs.reserve(values.size());
  for (const module::Value* value : values)
    specs.push_back({value->name()->str(), module::dtypeOf(value->dtype()),
                     module::shapeOf(*value->shape())});
  return specs;
}

TensorMap mapOf(const module::TensorMap& map) {
  TensorMap result;
  result.slice = map.slice();
  result.byteOffset = map.byte_offset();
  result.extents.assign(map.extents()->begin(), map.extents()->end());
  result.strides.assign(map.strides()->begin(), map.strides()->end());
  result.box.assign(map.box()->begin(), map.box()->end());
  result.steps.assign(map.steps()->begin(), map.steps()->end());
  result.swizzle = map.swizzle();
  return result;
}

Grid gridOf(const module::Grid& grid) {
  const auto& blocks = *grid.blocks();
  Grid result = {};
  result.blocks = {blocks.Get(0), blocks.Get(1), blocks.Get(2)};
  result.threads = grid.threads();
  result.cluster = grid.cluster();
  result.sharedBytes = grid.shared_bytes();
  for (const module::TensorMap* map : *grid.maps())
    result.maps.push_back(mapOf(*map));
  result.constants = std::as_bytes(
      std::span(grid.constants()->data(), grid.constants()->size()));
  result.overlaps = grid.overlaps();
  return result;
}

class Recorder {
public:
  Recorder(const module::Function& source, const RecordContext& context,
           const BindingLayout& layout, CommandBuffer& commands)
      : source_(source), context_(context), layout_(layout),
        commands_(commands) {}

  Status record(const module::Step& step) {
    switch (step.verb_type()) {
    case module::Verb::Launch:
      return recordLaunch(*step.verb_as_Launch());
    case module::Verb::Call:
      return recordCall(*step.verb_as_Call());
    case module::Verb::Copy:
      return commands_.copy(operand(step.verb_as_Copy()->source()),
                            operand(step.verb_as_Copy()->target()));
    case module::Verb::Fill:
      return commands_.fill(operand(step.verb_as_Fill()->target()),
                            step.verb_as_Fill()->pattern());
    case module::Verb::Collective:
      return commands_.collective(
          operand(step.verb_as_Collective()->target()),
          static_cast<Reduction>(step.verb_as_Collective()->reduction()));
    case module::Verb::NONE:
      break;
    }
    return internalError("the reader let a step without a verb pass");
  }

private:
  Operand operand(uint32_t index) const {
    const module::Slice& slice = *source_.slices()->Get(index);
    module::Extent view = module::rowsOf(slice);
    Operand operand = {0,
                       static_cast<int64_t>(slice.byte_offset()),
                       module::dtypeOf(slice.dtype()),
                       view.rows,
                       view.extent,
                       view.pitch};
    switch (slice.storage()) {
    case module::Storage::Input:
      operand.binding = layout_.input(slice.index());
      break;
    case module::Storage::Output:
      operand.binding = layout_.output(slice.index());
      break;
    case module::Storage::Constant:
      operand.binding = layout_.constant(slice.index());
      break;
    case module::Storage::State:
      operand.binding = BindingLayout::kStates;
      operand.byteOffset += context_.stateOffsets[slice.index()];
      break;
    case module::Storage::Arena:
      operand.binding = BindingLayout::kArena;
      break;
    }
    return operand;
  }

  std::vector<Operand> operands(const Indices& indices) const {
    std::vector<Operand> result;
    result.reserve(indices.size());
    for (uint32_t index : indices)
      result.push_back(operand(index));
    return result;
  }

  Status recordLaunch(const module::Launch& launch) {
    std::optional<Grid> grid;
    if (launch.grid())
      grid = gridOf(*launch.grid());
    return commands_.launch(context_.kernels[launch.kernel()],
                            operands(*launch.slices()), launch.work_items(),
                            grid ? &*grid : nullptr);
  }

  Status recordCall(const module::Call& call) {
    std::vector<Operand> all = operands(*call.slices());
    std::span<const Operand> slices = all;
    std::vector<KernelHandle> callbacks;
    for (uint32_t index : *call.callbacks())
      callbacks.push_back(context_.kernels[index]);
    return commands_.call(call.kernel()->str(),
                          slices.first(call.callback_slice()),
                          {call.params()->data(), call.params()->size()},
                          callbacks, slices.subspan(call.callback_slice()));
  }

  const module::Function& source_;
  const RecordContext& context_;
  const BindingLayout& layout_;
  CommandBuffer& commands_;
};

StepInfo infoOf(const module::Module& module, const module::Step& step) {
  StepInfo info = {step.location()->string_view(), "", "", step.flops(),
                   step.bytes()};
  switch (step.verb_type()) {
  case module::Verb::Launch:
    info.verb = "launch";
    info.kernel = module.kernels()
                      ->Get(step.verb_as_Launch()->kernel())
                      ->symbol()
                      ->string_view();
    break;
  case module::Verb::Call:
    info.verb = "call";
    info.kernel = step.verb_as_Call()->kernel()->string_view();
    break;
  case module::Verb::Copy:
    info.verb = "copy";
    break;
  case module::Verb::Fill:
    info.verb = "fill";
    break;
  default:
    info.verb = "collective";
    break;
  }
  return info;
}

// Calls visit(slice index) for every operand of a step.
template <typename Visit>
void forEachSlice(const module::Step& step, const Visit& visit) {
  auto all = [&](const Indices& indices) {
    for (uint32_t index : indices)
      visit(index);
  };
  switch (step.verb_type()) {
  case module::Verb::Launch:
    return all(*step.verb_as_Launch()->slices());
  case module::Verb::Call:
    return all(*step.verb_as_Call()->slices());
  case module::Verb::Copy:
    visit(step.verb_as_Copy()->source());
    return visit(step.verb_as_Copy()->target());
  case module::Verb::Fill:
    return visit(step.verb_as_Fill()->target());
  default:
    return visit(step.verb_as_Collective()->target());
  }
}

} // namespace

Status recordFunction(const module::Function& source,
                      const RecordContext& context, FunctionInfo& info,
                      const BindingLayout& layout, CommandBuffer& commands,
                      std::vector<int64_t>& lastRead,
                      std::vector<std::vector<uint32_t>>& reads) {
  info.name = source.name()->string_view();
  info.inputs = specsOf(*source.inputs());
  info.outputs = specsOf(*source.outputs());
  info.steps.reserve(source.steps()->size());
  reads.resize(source.steps()->size());
  Recorder recorder(source, context, layout, commands);
  for (uint32_t i = 0; i < source.steps()->size(); ++i) {
    const module::Step& step = *source.steps()->Get(i);
    info.steps.push_back(infoOf(context.module, step));
    BURIN_TRY(recorder.record(step).within(
        "function '" + std::string(info.name) + "', step " + std::to_string(i) +
        " (" + step.location()->str() + ")"));
    forEachSlice(step, [&](uint32_t index) {
      const module::Slice& slice = *source.slices()->Get(index);
      if (slice.storage() != module::Storage::Constant)
        return;
      lastRead[slice.index()] = i;
      if (std::ranges::find(reads[i], slice.index()) == reads[i].end())
        reads[i].push_back(slice.index());
    });
  }
  return commands.finish();
}

} // namespace burin
