// SPDX-License-Identifier: Apache-2.0
// CLIPTextModel: the text encoder of Stable Diffusion.
#pragma once

#include "models/graph/common/blocks.h"
#include "runtime/base/status.h"

#include <nlohmann/json.hpp>

#include <string>

namespace burin::models {

struct ClipTextConfig {
  int64_t vocabulary = 49408;
  int64_t width = 768;
  int64_t inner = 3072; // of the feed-forward network
  int64_t layers = 12;
  int64_t heads = 12;
  int64_t positions = 77;
  int64_t endToken = 49407;
  double eps = 1e-5;
  std::string activation = "quick_gelu";
};

Result<ClipTextConfig> readClipTextConfig(const nlohmann::json& json);

struct ClipTextOutput {
  Value lastHiddenState; // [batch, tokens, width], after the final norm
  Value pooled;          // [batch, width], its row at the end of the text
};

// `ids` is i64 [batch, tokens], tokens <= positions.
ClipTextOutput clipText(GraphBuilder& b, const ClipTextConfig& config,
                        Value ids);

} // namespace burin::models
