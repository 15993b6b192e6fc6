// SPDX-License-Identifier: Apache-2.0
// Compares the tensors a source has with those its configuration asks for.
#pragma once

#include "models/names/source.h"

namespace burin::names {

// A tensor of the checkpoint and where its data comes from.
struct MatchedTensor {
  TensorSpec spec; // with the source's element type
  const SourceTensor* source = nullptr;
};

// In the order in which each network uses its tensors. Fails with a list of
// what is missing, unknown, doubled, misshapen or not of a floating type, and
// where components do not fit each other.
Result<std::vector<MatchedTensor>> matchTensors(const Source& source);

} // namespace burin::names
