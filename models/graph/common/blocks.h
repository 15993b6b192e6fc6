// SPDX-License-Identifier: Apache-2.0
// Residual, attention and resampling blocks that more than one network uses,
// as diffusers names them.
#pragma once

#include "models/graph/common/layers.h"

#include <optional>
#include <string>

namespace burin::models {

struct ResnetOptions {
  int64_t channels = 0; // of the result
  Norm norm;
  std::string activation = "silu"; // a kind of burin.unary
};

// ResnetBlock2D: x + conv2(act(norm2(conv1(act(norm1 x)) + time))), with a 1x1
// shortcut where the widths differ. `time` is the time embedding after its
// activation, [batch, 1, 1, width]; null where the network has none.
Value resnetBlock(GraphBuilder& b, std::string_view name, Value x, Value time,
                  const ResnetOptions& options);

struct AttentionNames {
  std::string_view query = "to_q";
  std::string_view key = "to_k";
  std::string_view value = "to_v";
  std::string_view out = "to_out.0";
};

struct AttentionOptions {
  int64_t heads = 1;
  bool causal = false;
  bool bias = false; // of query, key and value; the output always has one
  AttentionNames names;
};

// Multi-head attention of `x` over `context` (x itself for self-attention),
// scaled by 1 / sqrt(head width), and the output projection.
Value attentionLayer(GraphBuilder& b, std::string_view name, Value x,
                     Value context, const AttentionOptions& options);

// Downsample2D: a 3x3 convolution of stride 2. `padding` 1 pads all sides, 0
// only below and to the right.
Value downsample(GraphBuilder& b, std::string_view name, Value x,
                 int64_t padding);
// Upsample2D: nearest neighbour twofold, then a 3x3 convolution.
Value upsample(GraphBuilder& b, std::string_view name, Value x);

} // namespace burin::models
