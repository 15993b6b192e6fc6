// SPDX-License-Identifier: Apache-2.0
// The parts of one edit on an open session. Inside, pictures and latents are
// channels-last; a latent picture is [pixels, channels].
#pragma once

#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "models/pipeline/plan.h"
#include "runtime/program/program.h"

namespace burin::pipeline {

// Holds the tensors of one edit: encode both inputs, then sample, then decode.
// The arguments of the constructor must outlive it.
class Denoiser {
public:
  Denoiser(Program& program, const ModelInfo& info,
           const text::ClipTokenizer& tokenizer, const EditPlan& plan);

  Status encodeText();
  // `image` has the plan's extent.
  Status encodePicture(const Image& image);
  // Calls `afterStep` with the number of steps done; its error ends the loop.
  Status sample(LatentNoise& noise,
                const std::function<Status(size_t done)>& afterStep);
  Result<Image> decode();

private:
  Status run(std::string_view function, std::span<const TensorView> inputs,
             std::span<const OutputView> outputs);
  void writeConditions();
  Status prepareSteps();
  Status evaluate(float timestep);

  // A result that every step reads.
  struct Invariant {
    const TensorSpec* spec;
    std::vector<std::byte> bytes;
  };

  Program& program_;
  const ModelInfo& info_;
  const text::ClipTokenizer& tokenizer_;
  const EditPlan& plan_;
  size_t branches_, channels_, pixels_;
  Shape latentShape_;
  std::vector<float> context_;       // [branches, tokens, width]
  std::vector<float> pictureLatent_; // [pixels, channels]
  std::vector<float> sample_;        // likewise: what becomes the picture
  std::vector<float> scaled_;        // likewise: as the network reads it
  std::vector<float> guided_;        // likewise: the network's output
  std::vector<float> inputs_;        // [branches, pixels, 2 channels]
  std::vector<float> outputs_;       // [branches, pixels, channels]
  std::vector<float> timesteps_;     // [branches]
  Shape inputShape_, outputShape_, contextShape_, timestepShape_;
  std::vector<Invariant> invariants_;
  std::vector<TensorView> stepInputs_;
};

} // namespace burin::pipeline
