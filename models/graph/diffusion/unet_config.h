// SPDX-License-Identifier: Apache-2.0
// The geometry of a UNet2DConditionModel, read from its configuration.
#pragma once

#include "models/graph/diffusion/transformer.h"
#include "runtime/base/status.h"

#include <nlohmann/json.hpp>

#include <optional>
#include <vector>

namespace burin::models {

// One resolution of the network, on the way down or up.
struct UNetLevel {
  int64_t channels = 0;
  int64_t resnets = 0;
  std::optional<TransformerOptions> transformer; // after each resnet
  bool resample = false; // to the next level, after its blocks
};

struct UNetConfig {
  int64_t inChannels = 4;
  int64_t outChannels = 4;
  int64_t contextWidth = 0;
  bool centerInput = false; // the sample enters as 2x - 1
  int64_t inKernel = 3;
  int64_t outKernel = 3;
  int64_t downsamplePadding = 1;
  int64_t timeWidth = 0; // of the time embedding
  bool flipSinToCos = true;
  double timeShift = 0;
  std::string activation;
  Norm norm;
  std::vector<UNetLevel> down; // from the input's resolution downwards
  UNetLevel middle;
  std::vector<UNetLevel> up; // from the lowest resolution upwards
};

// The remedy is in the message where a value is not supported.
Result<UNetConfig> readUNetConfig(const nlohmann::json& json);

} // namespace burin::models
