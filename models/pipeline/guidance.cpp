// SPDX-License-Identifier: Apache-2.0
// The weights of guidance.
#include "models/pipeline/guidance.h"

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

std::string branchName(const Branch& branch) {
  if (branch.text)
    return branch.picture ? "text+picture" : "text";
  return branch.picture ? "picture" : "none";
}

float weightOf(std::span<const Branch> branches, const Branch& kind) {
  for (const Branch& branch : branches)
    if (branch.text == kind.text && branch.picture == kind.picture)
      return branch.weight;
  return 0;
}

} // namespace burin::pipeline
