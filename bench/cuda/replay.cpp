// SPDX-License-Identifier: Apache-2.0
#include "bench/cuda/replay.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <random>
#include <span>

#include "kernels/cuda/nvrtc.h"

namespace burin::bench {
namespace {

using kernels::cuda::LaunchPlan;

constexpr uint32_t kRead = 0, kWritten = 1; // bindings
constexpr double kCacheBytes = 50e6;
constexpr int64_t kOperandAlignment = 256;

int64_t roundUp(int64_t bytes) {
  return (bytes + kOperandAlignment - 1) / kOperandAlignment *
         kOperandAlignment;
}

// Of one set.
std::array<int64_t, 2> setBytes(const KernelCase& work) {
  std::array<int64_t, 2> bytes = {0, 0};
  for (const CaseSlice& slice : work.slices)
    bytes[slice.written] += roundUp(slice.bytes());
  return bytes;
}

// The operands of set number `set`.
std::vector<Operand> operandsOf(const KernelCase& work, int64_t set) {
  const std::array<int64_t, 2> bytes = setBytes(work);
  std::array<int64_t, 2> offset = {set * bytes[0], set * bytes[1]};
  std::vector<Operand> operands;
  for (const CaseSlice& slice : work.slices) {
    operands.push_back({slice.written ? kWritten : kRead, offset[slice.written],
                        slice.info.dtype, slice.info.rows, slice.info.extent,
                        slice.info.pitch});
    offset[slice.written] += roundUp(slice.bytes());
  }
  return operands;
}

Grid gridOf(const LaunchPlan& plan) {
  Grid grid = {.blocks = plan.blocks,
               .threads = plan.threads,
               .cluster = plan.cluster,
               .sharedBytes = plan.sharedBytes,
               .maps = {},
               .constants = plan.constants,
               .overlaps = plan.overlaps};
  for (const kernels::cuda::MapPlan& map : plan.maps) {
    grid.maps.push_back({map.slice, map.byteOffset, map.extents, map.strides,
                         map.box, map.steps, map.swizzle});
    grid.maps.back().steps.resize(map.box.size(), 1);
  }
  return grid;
}

Status launch(CommandBuffer& commands, const KernelImages& images,
              const LaunchPlan& plan, std::span<const Operand> operands) {
  BURIN_ASSIGN(const KernelHandle kernel, images.find(plan.symbol));
  const Grid grid = gridOf(plan);
  return commands.launch(kernel, operands, 0, &grid).within(plan.symbol);
}

Status launch(CommandBuffer& commands, const KernelImages& images,
              const KernelCase& work, int64_t set) {
  const std::vector<Operand> operands = operandsOf(work, set);
  if (work.first) {
    std::vector<Operand> some;
    for (const size_t slice : work.first->slices)
      some.push_back(operands[slice]);
    BURIN_TRY(launch(commands, images, work.first->plan, some));
  }
  return launch(commands, images, work.plan, operands);
}

// The upper half of a float: exact for small integers.
uint16_t bf16Bits(float value) {
  return static_cast<uint16_t>(std::bit_cast<uint32_t>(value) >> 16);
}

std::vector<uint16_t> randomNumbers(OperandPool::Values values) {
  constexpr size_t kCount = size_t{1} << 22;
  std::vector<uint16_t> bits(kCount);
  std::mt19937 engine(1);
  std::normal_distribution<float> normal;
  std::uniform_int_distribution<int> integer(-2, 2);
  for (uint16_t& each : bits)
    each = bf16Bits(values == OperandPool::Values::kNormal
                        ? normal(engine)
                        : static_cast<float>(integer(engine)));
  return bits;
}

Result<Memory> randomMemory(Device& device, size_t bytes,
                            OperandPool::Values values) {
  BURIN_ASSIGN(Memory memory, device.allocate(bytes));
  const std::vector<uint16_t> numbers = randomNumbers(values);
  const auto block = std::as_bytes(std::span(numbers));
  for (size_t at = 0; at < bytes; at += block.size())
    BURIN_TRY(device.upload(memory.data() + at,
                            block.first(std::min(block.size(), bytes - at))));
  return memory;
}

} // namespace

void KernelImages::add(const KernelCase& work) {
  add(work.plan);
  if (work.first)
    add(work.first->plan);
}

void KernelImages::add(const LaunchPlan& plan) {
  if (!handles_.contains(plan.symbol))
    texts_.try_emplace(plan.symbol, plan.source);
}

Status KernelImages::compile(Device& device, const std::string& target) {
  std::vector<KernelText> texts;
  for (const auto& [symbol, text] : texts_)
    texts.push_back({symbol + ".cu", text});
  BURIN_ASSIGN(const auto codes, compileKernels(texts, target));
  size_t next = 0;
  for (const auto& [symbol, text] : texts_) {
    BURIN_ASSIGN(auto image,
                 device.loadImage({ImageKind::kCubin, target, codes[next++]}));
    BURIN_ASSIGN(handles_[symbol], image->find(symbol));
    images_.push_back(std::move(image));
  }
  texts_.clear();
  return okStatus();
}

Result<KernelHandle> KernelImages::find(const std::string& symbol) const {
  const auto found = handles_.find(symbol);
  if (found == handles_.end())
    return internalError("kernel " + symbol + " has not been compiled");
  return found->second;
}

int64_t operandSets(const KernelCase& work, int64_t most) {
  const auto needed = static_cast<int64_t>(2 * kCacheBytes / work.bytes()) + 1;
  return std::clamp<int64_t>(needed, 2, most);
}

void OperandPool::need(const KernelCase& work, int64_t sets) {
  const auto [read, written] = setBytes(work);
  read_ = std::max(read_, static_cast<size_t>(sets * read));
  checked_ = std::max(checked_, static_cast<size_t>(read));
  written_ = std::max(written_, static_cast<size_t>(sets * written));
}

Status OperandPool::allocate(Device& device, bool integers) {
  BURIN_ASSIGN(normal_, randomMemory(device, read_, Values::kNormal));
  if (integers) {
    BURIN_ASSIGN(integers_, randomMemory(device, checked_, Values::kIntegers));
  }
  BURIN_ASSIGN(results_, device.allocate(written_));
  return okStatus();
}

std::array<std::byte*, 2> OperandPool::bindings(Values values) const {
  const Memory& read = values == Values::kNormal ? normal_ : integers_;
  return {read.data(), results_.data()};
}

Result<Replay> Replay::record(Device& device, const KernelImages& images,
                              const KernelCase& work, int64_t sets) {
  std::unique_ptr<CommandBuffer> commands = device.createCommandBuffer();
  const int64_t launches = 2 * sets;
  for (int64_t i = 0; i < launches; ++i)
    BURIN_TRY(launch(*commands, images, work, i % sets));
  BURIN_TRY(commands->finish());
  return Replay(device, std::move(commands), launches);
}

Result<double> Replay::time(const OperandPool& pool, int replays) {
  using Clock = std::chrono::steady_clock;
  const auto bindings = pool.bindings(OperandPool::Values::kNormal);
  const auto before = Clock::now();
  for (int i = 0; i < replays; ++i)
    BURIN_TRY(commands_->execute(bindings, {}));
  BURIN_TRY(device_->synchronize());
  const std::chrono::duration<double> taken = Clock::now() - before;
  return taken.count() / static_cast<double>(replays * launches_);
}

Result<std::vector<std::byte>> resultOf(Device& device,
                                        const KernelImages& images,
                                        const KernelCase& work,
                                        const OperandPool& pool) {
  constexpr uint64_t kUnwritten = 0xff;
  const auto bindings = pool.bindings(OperandPool::Values::kIntegers);
  const int64_t bytes = setBytes(work)[kWritten];
  std::unique_ptr<CommandBuffer> commands = device.createCommandBuffer();
  BURIN_TRY(
      commands->fill({kWritten, 0, DType::kU8, 1, bytes, bytes}, kUnwritten));
  BURIN_TRY(launch(*commands, images, work, 0));
  BURIN_TRY(commands->finish());
  BURIN_TRY(commands->execute(bindings, {}));
  std::vector<std::byte> result(bytes);
  BURIN_TRY(device.download(result, bindings[kWritten]));
  return result;
}

} // namespace burin::bench
