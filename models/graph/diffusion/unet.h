// SPDX-License-Identifier: Apache-2.0
// UNet2DConditionModel: the denoiser of Stable Diffusion and InstructPix2Pix.
#pragma once

#include "models/graph/diffusion/unet_config.h"

#include <string_view>
#include <vector>

namespace burin::models {

// What all blocks of one network see.
struct UNetContext {
  Value time; // its embedding after the activation: pictures of one pixel
  Value text; // [batch, tokens, contextWidth]
  Norm norm;
  std::string activation;
  int64_t downsamplePadding = 1;
};

// DownBlock2D and CrossAttnDownBlock2D. Appends what the way up will read to
// `skips`.
Value unetDownBlock(GraphBuilder& b, std::string_view name, Value x,
                    const UNetContext& context, const UNetLevel& level,
                    std::vector<Value>& skips);
// UNetMidBlock2DCrossAttn with one transformer between two resnets.
Value unetMiddleBlock(GraphBuilder& b, std::string_view name, Value x,
                      const UNetContext& context, const UNetLevel& level);
// UpBlock2D and CrossAttnUpBlock2D: each resnet takes the last of `skips`.
Value unetUpBlock(GraphBuilder& b, std::string_view name, Value x,
                  const UNetContext& context, const UNetLevel& level,
                  std::vector<Value>& skips);

// `sample` is channels-last, of extents divisible by 2^(levels - 1);
// `timestep` is f32 [batch]. The parameters lie under the current scope.
Value unet(GraphBuilder& b, const UNetConfig& config, Value sample,
           Value timestep, Value text);

} // namespace burin::models
