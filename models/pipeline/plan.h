// SPDX-License-Identifier: Apache-2.0
// From what a user asks for to what will be computed, with every check made
// before any work.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "formats/image/image.h"
#include "models/adapters/adapted_weights.h"
#include "models/pipeline/guidance.h"
#include "models/pipeline/model_info.h"
#include "models/pipeline/noise.h"
#include "models/pipeline/picture.h"
#include "models/schedule/sampler.h"

namespace burin::pipeline {

// What is not given takes the model's own defaults.
struct EditRequest {
  std::string instruction;
  Image image;
  std::optional<int> steps;
  std::optional<double> textScale;  // how strongly to follow the instruction
  std::optional<double> imageScale; // how strongly to keep the picture
  std::optional<int> size;          // of the longer side, see editExtent
  std::optional<schedule::SamplerKind> sampler;
  double eta = 0; // DDIM's share of fresh noise
  uint64_t seed = 0;
  RandomMode random = RandomMode::kTorchCpu;
  // Cut an instruction that is too long instead of refusing it.
  bool cutLongText = false;
  // Of this edit alone, of those that run with it: terms beside the network's
  // weights, which stay the model's own.
  std::vector<adapters::AdapterUse> adapters;
  // Standard normal numbers to use instead of random ones: rows of channels x
  // height x width of the latent picture, the first one to begin with and one
  // more for each step of a sampler that draws noise. Empty: none.
  std::vector<float> noise;
};

// A request that passed every check, and what follows from it.
struct EditPlan {
  Extent extent; // of the result
  Extent latent;
  std::vector<Branch> branches;
  schedule::Plan schedule;
  schedule::SamplerKind sampler = schedule::SamplerKind::kPndm;
  int steps = 0; // as asked for
  double textScale = 0, imageScale = 0;
  text::Encoding instruction;
};

// The error names the value and what would be right.
Result<EditPlan> planEdit(const ModelInfo& info,
                          const text::ClipTokenizer& tokenizer,
                          const EditRequest& request);

} // namespace burin::pipeline
