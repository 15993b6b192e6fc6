// SPDX-License-Identifier: Apache-2.0
// A small module with every table in it, for tests that damage it. Nothing
// runs it.
#pragma once

#include "formats/module/module.h"

namespace burin::module {

std::unique_ptr<ValueT> value(const std::string& name, DType dtype,
                              std::vector<int64_t> shape);
std::unique_ptr<SliceT> slice(Storage storage, uint32_t index,
                              uint64_t byteOffset, std::vector<int64_t> shape,
                              int64_t pitch);

// Positions in function "forward".
enum SliceIndex : uint32_t { kInput, kOutput, kConstant, kState, kArena };
enum StepIndex : uint32_t {
  kLaunch,
  kCall,
  kCopy,
  kFill,
  kCollective,
  kGridLaunch
};

ModuleT sampleModule();

// Writes without the checks that `write` makes.
std::vector<std::byte> writeUnchecked(const ModuleT& module);

} // namespace burin::module
