// SPDX-License-Identifier: Apache-2.0
// The weights of guidance and their sum.
#include "models/pipeline/guidance.h"

#include <cstddef>

namespace burin::pipeline {

std::vector<Branch> guidanceBranches(double textScale, double imageScale) {
  std::vector<Branch> branches;
  auto add = [&](bool text, bool picture, double weight) {
    if (weight != 0)
      branches.push_back({text, picture, static_cast<float>(weight)});
  };
  // The weights add up to 1, so they are not all 0.
  add(true, true, textScale);
  add(false, true, imageScale - textScale);
  add(false, false, 1 - imageScale);
  return branches;
}

void combine(std::span<const Branch> branches, std::span<const float> outputs,
             std::span<float> combined) {
  size_t size = combined.size();
  for (size_t b = 0; b < branches.size(); ++b) {
    std::span<const float> output = outputs.subspan(b * size, size);
    float weight = branches[b].weight;
    if (b == 0)
      for (size_t j = 0; j < size; ++j)
        combined[j] = weight * output[j];
    else
      for (size_t j = 0; j < size; ++j)
        combined[j] += weight * output[j];
  }
}

} // namespace burin::pipeline
