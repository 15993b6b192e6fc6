// SPDX-License-Identifier: Apache-2.0
// Blocks shared by the networks; each is a few layers.
#include "models/graph/common/blocks.h"

#include <cmath>

namespace burin::models {

Value resnetBlock(GraphBuilder& b, std::string_view name, Value x, Value time,
                  const ResnetOptions& options) {
  auto scope = b.scope(name);
  int64_t channels = options.channels;
  Value h = b.unary(options.activation, groupNorm(b, "norm1", x, options.norm));
  h = conv2d(b, "conv1", h, channels);
  if (time)
    h = b.add(h, linear(b, "time_emb_proj", time, channels));
  h = b.unary(options.activation, groupNorm(b, "norm2", h, options.norm));
  h = conv2d(b, "conv2", h, channels);
  if (extent(x, -1) != channels)
    x = conv2d(b, "conv_shortcut", x, channels, kPointwise);
  return b.add(h, x);
}

Value attentionLayer(GraphBuilder& b, std::string_view name, Value x,
                     Value context, const AttentionOptions& options) {
  auto scope = b.scope(name);
  int64_t width = extent(x, -1);
  const AttentionNames& names = options.names;
  Value q = linear(b, names.query, x, width, options.bias);
  Value k = linear(b, names.key, context, width, options.bias);
  Value v = linear(b, names.value, context, width, options.bias);
  double headWidth = static_cast<double>(width / options.heads);
  Value mixed = b.attention(q, k, v, options.heads, options.causal,
                            1.0 / std::sqrt(headWidth));
  return linear(b, names.out, mixed, width);
}

Value downsample(GraphBuilder& b, std::string_view name, Value x,
                 int64_t padding) {
  ConvOptions options = {3, 2, {padding, padding, 1, 1}};
  return conv2d(b, name, x, extent(x, -1), options);
}

Value upsample(GraphBuilder& b, std::string_view name, Value x) {
  return conv2d(b, name, b.upsampleNearest(x, 2), extent(x, -1));
}

} // namespace burin::models
