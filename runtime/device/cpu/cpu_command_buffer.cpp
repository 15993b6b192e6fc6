// SPDX-License-Identifier: Apache-2.0
// Recording and execution of commands on the CPU.
#include "runtime/device/cpu/cpu_command_buffer.h"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace burin {
namespace {

using Command = CpuCommandBuffer::Command;

void runLaunch(const Command& command, int64_t begin, int64_t end, std::byte*) {
  command.launch(command.views, begin, end);
}

void runCall(const Command& command, int64_t begin, int64_t end,
             std::byte* scratch) {
  command.kernel->run(command.args, begin, end, scratch);
}

// The target bytes of one item of a copy or fill, as (row, offset, size).
struct Block {
  int64_t row;
  int64_t offset;
  int64_t bytes;
};
Block blockOf(const Command& command, int64_t item) {
  if (command.blockBytes == 0)
    return {item, 0, command.rowBytes};
  int64_t offset = item * command.blockBytes;
  return {0, offset, std::min(command.blockBytes, command.rowBytes - offset)};
}

void runCopy(const Command& command, int64_t begin, int64_t end, std::byte*) {
  const auto* source = static_cast<const std::byte*>(command.views[0].data);
  auto* target = static_cast<std::byte*>(command.views[1].data);
  for (int64_t item = begin; item < end; ++item) {
    Block block = blockOf(command, item);
    std::memcpy(target + block.row * command.targetPitch + block.offset,
                source + block.row * command.sourcePitch + block.offset,
                static_cast<size_t>(block.bytes));
  }
}

template <typename Element>
void fillElements(std::byte* target, int64_t bytes, uint64_t pattern) {
  auto* elements = reinterpret_cast<Element*>(target);
  std::fill(elements, elements + bytes / static_cast<int64_t>(sizeof(Element)),
            static_cast<Element>(pattern));
}

void runFill(const Command& command, int64_t begin, int64_t end, std::byte*) {
  auto* base = static_cast<std::byte*>(command.views[0].data);
  for (int64_t item = begin; item < end; ++item) {
    Block block = blockOf(command, item);
    std::byte* target = base + block.row * command.targetPitch + block.offset;
    switch (command.elementBytes) {
    case 1:
      fillElements<uint8_t>(target, block.bytes, command.pattern);
      break;
    case 2:
      fillElements<uint16_t>(target, block.bytes, command.pattern);
      break;
    case 4:
      fillElements<uint32_t>(target, block.bytes, command.pattern);
      break;
    default:
      fillElements<uint64_t>(target, block.bytes, command.pattern);
      break;
    }
  }
}

// One process has nobody to combine with.
void runNothing(const Command&, int64_t, int64_t, std::byte*) {}

} // namespace

Status Scratch::reserve(size_t bytes, int threads) {
  constexpr size_t kLine = 64;
  size_t stride = (bytes + kLine - 1) / kLine * kLine;
  if (stride <= stride_ && threads <= threads_)
    return okStatus();
  storage_.reset(new (std::nothrow) std::byte[stride * threads + kLine]);
  if (!storage_)
    return {Code::kOutOfMemory, "cannot allocate " + std::to_string(stride) +
                                    " bytes of scratch for each of " +
                                    std::to_string(threads) + " threads"};
  auto address = reinterpret_cast<uintptr_t>(storage_.get());
  base_ = storage_.get() + (kLine - address % kLine) % kLine;
  stride_ = stride;
  threads_ = threads;
  return okStatus();
}

CpuCommandBuffer::Command& CpuCommandBuffer::append() {
  Command& command = commands_.emplace_back();
  command.firstView = views_.size();
  return command;
}

void CpuCommandBuffer::addViews(std::span<const Operand> operands) {
  for (const Operand& operand : operands) {
    views_.push_back({nullptr, operand.pitch});
    places_.push_back({operand.binding, operand.byteOffset});
    bindings_ = std::max(bindings_, operand.binding + 1);
  }
}

Status CpuCommandBuffer::launch(KernelHandle kernel,
                                std::span<const Operand> slices,
                                int64_t workItems, const Grid* grid) {
  if (grid)
    return unavailable("a step is a launch on a GPU, which a CPU cannot run; "
                       "compile the module for the CPU");
  Command& command = append();
  command.run = runLaunch;
  command.items = workItems;
  command.launch = reinterpret_cast<kernels::LaunchFn>(kernel);
  addViews(slices);
  return okStatus();
}

Status CpuCommandBuffer::call(const std::string& name,
                              std::span<const Operand> slices,
                              std::span<const int64_t> params,
                              std::span<const KernelHandle> callbacks,
                              std::span<const Operand> callbackSlices) {
  const kernels::CpuKernel* kernel =
      context_.findKernel ? context_.findKernel(name) : nullptr;
  if (!kernel)
    return unavailable("library kernel '" + name +
                       "' does not exist for this processor; compile the "
                       "module with this version of Burin");
  auto counted = [&](size_t have, size_t want, const char* what) {
    if (have == want)
      return okStatus();
    return dataLoss("library kernel '" + name + "' takes " +
                    std::to_string(want) + " " + what + ", the call has " +
                    std::to_string(have));
  };
  BURIN_TRY(counted(slices.size(), kernel->sliceCount, "slices"));
  BURIN_TRY(counted(params.size(), kernel->paramCount, "parameters"));
  BURIN_TRY(
      counted(callbacks.size(), kernel->takesEpilogue ? 1 : 0, "callbacks"));
  if (std::string_view wrong = kernel->check(params); !wrong.empty())
    return dataLoss("library kernel '" + name + "' refuses its parameters (" +
                    std::string(wrong) + "); compile the module again");
  Command& command = append();
  command.run = runCall;
  command.kernel = kernel;
  command.args.params = params_.emplace_back(params.begin(), params.end());
  command.items = kernel->workItems(command.args.params);
  if (!callbacks.empty())
    command.args.epilogue = reinterpret_cast<kernels::EpilogueFn>(callbacks[0]);
  addViews(slices);
  addViews(callbackSlices);
  return okStatus();
}

void CpuCommandBuffer::cutRows(Command& command, const Operand& target,
                               bool oneDenseRow) {
  constexpr int64_t kBlockBytes = 1 << 16;
  auto element = static_cast<int64_t>(byteSize(target.dtype));
  command.elementBytes = static_cast<size_t>(element);
  command.rowBytes = target.extent * element;
  command.targetPitch = target.pitch * element;
  command.items = target.rows;
  if (oneDenseRow || target.rows == 1) {
    command.rowBytes *= target.rows;
    command.blockBytes = kBlockBytes;
    command.items = (command.rowBytes + kBlockBytes - 1) / kBlockBytes;
  }
  if (command.rowBytes == 0)
    command.items = 0;
}

Status CpuCommandBuffer::copy(const Operand& source, const Operand& target) {
  if (source.dtype != target.dtype || source.rows != target.rows ||
      source.extent != target.extent)
    return invalidArgument(
        "copy of " + std::to_string(source.rows) + " rows of " +
        std::to_string(source.extent) + " " + std::string(name(source.dtype)) +
        " to " + std::to_string(target.rows) + " rows of " +
        std::to_string(target.extent) + " " + std::string(name(target.dtype)));
  Command& command = append();
  command.run = runCopy;
  cutRows(command, target,
          source.pitch == source.extent && target.pitch == target.extent);
  command.sourcePitch =
      source.pitch * static_cast<int64_t>(command.elementBytes);
  addViews({&source, 1});
  addViews({&target, 1});
  return okStatus();
}

Status CpuCommandBuffer::fill(const Operand& target, uint64_t pattern) {
  Command& command = append();
  command.run = runFill;
  command.pattern = pattern;
  cutRows(command, target, target.pitch == target.extent);
  addViews({&target, 1});
  return okStatus();
}

Status CpuCommandBuffer::collective(const Operand& target, Reduction) {
  Command& command = append();
  command.run = runNothing;
  addViews({&target, 1});
  return okStatus();
}

Status CpuCommandBuffer::finish() {
  size_t scratch = 0;
  for (Command& command : commands_) {
    command.views = views_.data() + command.firstView;
    if (!command.kernel)
      continue;
    command.args.slices = {command.views, command.kernel->sliceCount};
    command.args.epilogueSlices = command.views + command.kernel->sliceCount;
    if (command.kernel->scratchBytes)
      scratch =
          std::max(scratch, command.kernel->scratchBytes(command.args.params));
  }
  return context_.scratch.reserve(scratch, context_.pool.threads());
}

Status CpuCommandBuffer::execute(std::span<std::byte* const> bindings,
                                 const ExecuteOptions& options) {
  if (bindings.size() < bindings_)
    return invalidArgument("the commands name " + std::to_string(bindings_) +
                           " bindings, " + std::to_string(bindings.size()) +
                           " are given");
  if (!options.seconds.empty() && options.seconds.size() != commands_.size())
    return invalidArgument("times of " + std::to_string(commands_.size()) +
                           " commands do not fit " +
                           std::to_string(options.seconds.size()) + " places");
  for (size_t i = 0; i < views_.size(); ++i)
    views_[i].data = bindings[places_[i].binding] + places_[i].byteOffset;

  using Clock = std::chrono::steady_clock;
  auto before = Clock::now();
  const size_t last = std::min(options.last, commands_.size());
  for (size_t i = options.first; i < last; ++i) {
    const Command& command = commands_[i];
    context_.pool.parallelFor(
        command.items, [&](int thread, int64_t begin, int64_t end) {
          command.run(command, begin, end, context_.scratch.of(thread));
        });
    if (!options.seconds.empty()) {
      auto after = Clock::now();
      options.seconds[i] +=
          std::chrono::duration<double>(after - before).count();
      before = after;
    }
    if (options.progress && !options.progress(i + 1, commands_.size()))
      return {Code::kCancelled, "stopped after " + std::to_string(i + 1) +
                                    " of " + std::to_string(commands_.size()) +
                                    " steps"};
  }
  return okStatus();
}

} // namespace burin
