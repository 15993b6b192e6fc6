// SPDX-License-Identifier: Apache-2.0
// The adapters of edits that run together, side by side for a network that
// takes them as inputs (models/graph/diffusion/adapter_inputs.h).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/adapters/adapted_weights.h"
#include "models/pipeline/compile_request.h"

namespace burin::pipeline {

class AdapterBank {
public:
  // Ranks are stacked and padded to a multiple of this, so that adapters of
  // other ranks often find a module that is there.
  static constexpr int64_t kRankMultiple = 16;

  // uses[e] are those of edit e; a file that several edits use is there once.
  // The error names the file, and layers that are not the UNet's: all edits
  // share the text encoder.
  static Result<AdapterBank>
  open(const Checkpoint& model,
       std::span<const std::span<const adapters::AdapterUse>> uses);

  // Nothing where no edit has an adapter.
  std::optional<AdapterShape> shape() const;

  // The factor that the function edit_adapters calls `spec.name`. Files'
  // alpha / rank is in B already.
  std::vector<float> factor(const TensorSpec& spec) const;
  // [edits, rank]: each edit's strengths, 0 for the adapters of others.
  const std::vector<float>& gate() const { return gate_; }

private:
  struct Entry {
    std::unique_ptr<adapters::Adapter> adapter;
    int64_t start = 0; // its rows
    int64_t rank = 0;  // the largest of its layers
  };

  Status add(const Checkpoint& model, const std::string& path);

  std::map<std::string, Entry, std::less<>> entries_; // by path
  int64_t rank_ = 0;
  std::vector<std::string> layers_; // ascending
  std::vector<float> gate_;
};

} // namespace burin::pipeline
