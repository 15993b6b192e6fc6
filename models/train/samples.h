// SPDX-License-Identifier: Apache-2.0
// A few examples that a training is looked at with, always the same.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "formats/image/image.h"
#include "models/pipeline/session.h"

namespace burin::train {

class SampleSet {
public:
  // The first examples with an instruction of the shards at these paths.
  static Result<SampleSet> read(std::span<const std::string> shards, int count);

  // Edits all of them with a model. A row for each: source, result, truth.
  Result<Image> draw(const std::string& model, int size,
                     const SessionOptions& options) const;

private:
  struct Example {
    std::string instruction;
    Image source, target;
  };
  std::vector<Example> examples_;
};

} // namespace burin::train
