// SPDX-License-Identifier: Apache-2.0
// Guidance by text and picture: which evaluations of the network it takes and
// the weights of their sum.
//
// With e(picture, text) the network's output, the guided output is
//   e(0, "") + s_T (e(p, t) - e(p, "")) + s_I (e(p, "") - e(0, ""))
//     = s_T e(p, t) + (s_I - s_T) e(p, "") + (1 - s_I) e(0, ""),
// (Brooks et al. 2023, equation 3). A branch of weight 0 is never evaluated.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace burin::pipeline {

struct Branch {
  bool text;    // sees the instruction, else the empty text
  bool picture; // sees the picture, else zeros
  float weight;
};

// In the order (picture, text), (picture, ""), (0, ""), without those of
// weight 0; never empty.
std::vector<Branch> guidanceBranches(double textScale, double imageScale);

// As compile requests call it: "text+picture", "text", "picture" or "none".
std::string branchName(const Branch& branch);

// The weight in `branches` of the one that sees what `kind` sees; 0 where
// there is none.
float weightOf(std::span<const Branch> branches, const Branch& kind);

} // namespace burin::pipeline
