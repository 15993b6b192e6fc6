// SPDX-License-Identifier: Apache-2.0
// What the pipeline must know of a model, read from its checkpoint's metadata.
#pragma once

#include <optional>
#include <string>

#include "formats/checkpoint/checkpoint.h"
#include "models/schedule/config.h"
#include "models/text/clip_tokenizer.h"

namespace burin::pipeline {

// What a model is best run with; from `edit.config`, a JSON object with the
// keys num_inference_steps, guidance_scale, image_guidance_scale, size and
// sampler, all optional.
struct EditDefaults {
  int steps = 20;
  double textScale = 7.5;
  double imageScale = 1.5;
  int size = 0; // of the longer side; 0: what the UNet was trained at
  std::optional<schedule::SamplerKind> sampler;
};

struct ModelInfo {
  // Configurations as the compiler reads them.
  std::string unetConfig, vaeConfig, textConfig;
  int latentChannels = 4;
  int vaeStride = 8;   // pixels of a latent
  int unetStride = 8;  // latents of the coarsest level
  int textWidth = 768; // of the text encoder's states
  double scaling = 0.18215;
  schedule::Config scheduler;
  EditDefaults defaults;

  // Sides of pictures are multiples of this.
  int stride() const { return vaeStride * unetStride; }
};

// Fails unless the checkpoint is an InstructPix2Pix model whose parts fit.
Result<ModelInfo> readModelInfo(const Checkpoint& checkpoint);
Result<text::ClipTokenizer> readTokenizer(const Checkpoint& checkpoint);

} // namespace burin::pipeline
