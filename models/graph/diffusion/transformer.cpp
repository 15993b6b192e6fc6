// SPDX-License-Identifier: Apache-2.0
// Pre-norm blocks of self-attention, cross-attention and a GEGLU network.
#include "models/graph/diffusion/transformer.h"

namespace burin::models {

namespace {

// Fixed in diffusers whatever the UNet's own norm_eps.
constexpr double kGroupEps = 1e-6;
constexpr double kLayerEps = 1e-5;
constexpr int64_t kExpansion = 4;

// ff.net.2(h * gelu(gate)) with [h, gate] = ff.net.0.proj(x).
Value gatedFeedForward(GraphBuilder& b, Value x) {
  auto scope = b.scope("ff");
  int64_t width = extent(x, -1);
  int64_t inner = width * kExpansion;
  Value both = linear(b, "net.0.proj", x, 2 * inner);
  Value h = b.slice(both, -1, 0, inner);
  Value gate = b.slice(both, -1, inner, inner);
  return linear(b, "net.2", b.mul(h, b.gelu(gate)), width);
}

Value transformerBlock(GraphBuilder& b, std::string_view name, Value x,
                       Value context, int64_t heads) {
  auto scope = b.scope(name);
  AttentionOptions options;
  options.heads = heads;
  Value n = layerNorm(b, "norm1", x, kLayerEps);
  x = b.add(attentionLayer(b, "attn1", n, n, options), x);
  n = layerNorm(b, "norm2", x, kLayerEps);
  x = b.add(attentionLayer(b, "attn2", n, context, options), x);
  n = layerNorm(b, "norm3", x, kLayerEps);
  return b.add(gatedFeedForward(b, n), x);
}

} // namespace

Value spatialTransformer(GraphBuilder& b, std::string_view name, Value x,
                         Value context, const TransformerOptions& options) {
  auto scope = b.scope(name);
  int64_t width = extent(x, -1);
  auto project = [&](std::string_view layer, Value value) {
    if (options.linearProjection)
      return linear(b, layer, value, width);
    Value image = unflattenPixels(b, value, x);
    return flattenPixels(b, conv2d(b, layer, image, width, kPointwise));
  };
  Value h = groupNorm(b, "norm", x, {options.groups, kGroupEps});
  h = project("proj_in", flattenPixels(b, h));
  for (int64_t i = 0; i < options.depth; ++i)
    h = transformerBlock(b, "transformer_blocks." + std::to_string(i), h,
                         context, options.heads);
  return b.add(unflattenPixels(b, project("proj_out", h), x), x);
}

} // namespace burin::models
