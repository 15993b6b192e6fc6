// SPDX-License-Identifier: Apache-2.0
// A device that takes launches and computes nothing: it checks where operands
// lie and notes what was asked of it.
#pragma once

#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "runtime/device/device.h"

namespace burin::bench {

class MemoryDevice final : public Device {
public:
  // Kernels whose symbol contains this write something else.
  std::string wrong;
  int launches = 0;   // executed
  int outOfRange = 0; // operands beyond their memory
  std::set<std::string> symbols;

  std::string_view name() const override { return "memory"; }
  Result<Memory> allocate(size_t bytes) override {
    auto& block = blocks_.emplace_back(bytes);
    return Memory(this, block.data(), bytes);
  }
  Result<std::unique_ptr<CodeImage>> loadImage(const ImageSource&) override {
    return std::unique_ptr<CodeImage>(std::make_unique<Image>(*this));
  }
  std::unique_ptr<CommandBuffer> createCommandBuffer() override {
    return std::make_unique<Commands>(*this);
  }
  bool sharesMemory() const override { return false; }
  Status upload(std::byte* target, std::span<const std::byte> from) override {
    outOfRange += from.size() > room(target);
    std::memcpy(target, from.data(), from.size());
    return okStatus();
  }
  Status download(std::span<std::byte> target, const std::byte* from) override {
    std::memcpy(target.data(), from, target.size());
    return okStatus();
  }
  Status synchronize() override { return okStatus(); }

private:
  struct Image final : CodeImage {
    explicit Image(MemoryDevice& owner) : device(owner) {}
    Result<KernelHandle> find(const std::string& symbol) const override {
      return const_cast<std::string*>(&*device.symbols.insert(symbol).first);
    }
    MemoryDevice& device;
  };

  struct Command {
    std::string symbol; // empty: a fill
    std::vector<Operand> operands;
  };

  struct Commands final : CommandBuffer {
    explicit Commands(MemoryDevice& owner) : device(owner) {}
    Status launch(KernelHandle kernel, std::span<const Operand> slices, int64_t,
                  const Grid* grid) override {
      for (const TensorMap& map : grid->maps)
        device.outOfRange += map.slice >= slices.size();
      list.push_back(
          {*static_cast<std::string*>(kernel), {slices.begin(), slices.end()}});
      return okStatus();
    }
    Status call(const std::string&, std::span<const Operand>,
                std::span<const int64_t>, std::span<const KernelHandle>,
                std::span<const Operand>) override {
      return okStatus();
    }
    Status copy(const Operand& from, const Operand& to) override {
      list.push_back({"", {from, to}});
      return okStatus();
    }
    Status fill(const Operand& target, uint64_t) override {
      list.push_back({"", {target}});
      return okStatus();
    }
    Status collective(const Operand&, Reduction) override { return okStatus(); }
    Status finish() override { return okStatus(); }
    Status execute(std::span<std::byte* const> bindings,
                   const ExecuteOptions&) override {
      for (const Command& command : list)
        device.run(command, bindings);
      return okStatus();
    }
    MemoryDevice& device;
    std::vector<Command> list;
  };

  void run(const Command& command, std::span<std::byte* const> bindings) {
    launches += !command.symbol.empty();
    for (const Operand& o : command.operands) {
      std::byte* first = bindings[o.binding] + o.byteOffset;
      const auto bytes = ((o.rows - 1) * o.pitch + o.extent) *
                         static_cast<int64_t>(byteSize(o.dtype));
      outOfRange += static_cast<size_t>(bytes) > room(first);
      const bool differs =
          !wrong.empty() && command.symbol.find(wrong) != std::string::npos;
      if (o.binding == 1) // what is written, in bench/cuda
        *first = std::byte(differs);
    }
  }

  // Bytes from `at` to the end of its block.
  size_t room(const std::byte* at) const {
    for (const auto& block : blocks_)
      if (at >= block.data() && at < block.data() + block.size())
        return static_cast<size_t>(block.data() + block.size() - at);
    return 0;
  }
  void free(std::byte* data, size_t) noexcept override {
    std::erase_if(blocks_,
                  [&](const auto& block) { return block.data() == data; });
  }

  std::vector<std::vector<std::byte>> blocks_; // their data never moves
};

} // namespace burin::bench
