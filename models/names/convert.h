// SPDX-License-Identifier: Apache-2.0
// From a published model to a checkpoint.
#pragma once

#include "models/names/source.h"

#include <cstdint>
#include <functional>
#include <optional>

namespace burin::names {

struct ConvertOptions {
  SourceOptions source;
  std::string output;
  std::optional<DType> dtype; // of all tensors; without it each keeps its own
  uint64_t shardBytes = 0;    // 0: one file
  std::string licence;        // replaces what the source says
  // Called after each tensor with bytes written so far and in all.
  std::function<void(uint64_t done, uint64_t total)> progress;
};

struct ConvertReport {
  struct Component {
    std::string name;
    size_t tensors = 0;
    uint64_t parameters = 0, bytes = 0;
  };
  std::string architecture;
  std::vector<Component> components;
  uint64_t bytes = 0; // of all files written
  std::vector<std::pair<std::string, std::string>> ignored; // name, reason
  std::vector<std::string> notes;
};

// Either writes a whole checkpoint or leaves `output` as it was.
Result<ConvertReport> convertModel(const ConvertOptions& options);

} // namespace burin::names
