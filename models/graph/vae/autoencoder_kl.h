// SPDX-License-Identifier: Apache-2.0
// AutoencoderKL: between pictures and the latents that diffusion works on.
#pragma once

#include "models/graph/common/blocks.h"
#include "runtime/base/status.h"

#include <nlohmann/json.hpp>

#include <vector>

namespace burin::models {

struct AutoencoderConfig {
  int64_t imageChannels = 3; // in_channels
  int64_t outChannels = 3;   // of the decoded picture
  int64_t latentChannels = 4;
  std::vector<int64_t> channels; // one a level, from the picture downwards
  int64_t resnets = 2;           // a level in the encoder; one more decoding
  Norm norm;
  std::string activation = "silu";
  double scaling = 0.18215; // of latents that are sampled
  bool quantConv = true;
  bool postQuantConv = true;
  bool middleAttention = true;
};

Result<AutoencoderConfig> readAutoencoderConfig(const nlohmann::json& json);

// The mean and log-variance of the latent, [.., 2 * latentChannels]; extents
// of `image` are divisible by 2^(levels - 1). Unscaled.
Value autoencoderEncode(GraphBuilder& b, const AutoencoderConfig& config,
                        Value image);
// The picture of an unscaled latent.
Value autoencoderDecode(GraphBuilder& b, const AutoencoderConfig& config,
                        Value latent);

} // namespace burin::models
