// SPDX-License-Identifier: Apache-2.0
// A recorded function of a program, and how it is recorded from a module.
#pragma once

#include "formats/module/module.h"
#include "runtime/program/program.h"

namespace burin {

// The order of base addresses in an execution: arena, states, inputs, outputs,
// constants.
struct BindingLayout {
  static constexpr uint32_t kArena = 0;
  static constexpr uint32_t kStates = 1;
  static constexpr uint32_t kFirstInput = 2;
  uint32_t inputs;
  uint32_t outputs;
  uint32_t constants;

  uint32_t input(uint32_t i) const { return kFirstInput + i; }
  uint32_t output(uint32_t i) const { return kFirstInput + inputs + i; }
  uint32_t constant(uint32_t i) const { return output(outputs) + i; }
  uint32_t count() const { return constant(constants); }
};

struct Program::Function {
  static constexpr int64_t kNever = -1;

  FunctionInfo info;
  BindingLayout layout;
  std::unique_ptr<CommandBuffer> commands;
  std::vector<std::byte*> bindings;
  std::vector<std::byte*> host;  // where bindings come from or go to
  std::vector<int64_t> lastRead; // of each constant: a step, or kNever
  std::vector<std::vector<uint32_t>> reads; // of each step: its constants

  // `status` of an execution, with the layer where it is known.
  Status locate(const Status& status, size_t failed) const;
};

// How tensors share an allocation on a device with memory of its own.
inline size_t padded(size_t bytes) {
  constexpr size_t kAlignment = 256;
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

// What recording needs of the program.
struct RecordContext {
  const module::Module& module;
  std::span<const KernelHandle> kernels;
  std::span<const int64_t> stateOffsets;
};

// Fills `function` and its command buffer, which must be empty and set.
Status recordFunction(const module::Function& source,
                      const RecordContext& context, FunctionInfo& info,
                      const BindingLayout& layout, CommandBuffer& commands,
                      std::vector<int64_t>& lastRead,
                      std::vector<std::vector<uint32_t>>& reads);

} // namespace burin
