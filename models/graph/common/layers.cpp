// SPDX-License-Identifier: Apache-2.0
// Layers as a few ops each; a bias is an addition, which fuses.
#include "models/graph/common/layers.h"

#include <algorithm>
#include <array>

namespace burin::models {

Value linear(GraphBuilder& b, std::string_view name, Value x, int64_t width,
             bool bias) {
  auto scope = b.scope(name);
  Value y = b.linear(x, b.parameter("weight", {width, extent(x, -1)}));
  return bias ? b.add(y, b.parameter("bias", {width})) : y;
}

Value conv2d(GraphBuilder& b, std::string_view name, Value x, int64_t channels,
             const ConvOptions& options) {
  auto scope = b.scope(name);
  Value weight = b.parameter(
      "weight", {channels, extent(x, -1), options.kernel, options.kernel});
  Value y = b.conv2d(x, weight, {options.stride, options.padding});
  return b.add(y, b.parameter("bias", {channels}));
}

Value groupNorm(GraphBuilder& b, std::string_view name, Value x,
                const Norm& norm) {
  auto scope = b.scope(name);
  int64_t channels = extent(x, -1);
  Value gamma = b.parameter("weight", {channels});
  Value beta = b.parameter("bias", {channels});
  return b.groupNorm(x, gamma, beta, norm.groups, norm.eps);
}

Value layerNorm(GraphBuilder& b, std::string_view name, Value x, double eps) {
  auto scope = b.scope(name);
  int64_t width = extent(x, -1);
  Value gamma = b.parameter("weight", {width});
  Value beta = b.parameter("bias", {width});
  return b.layerNorm(x, gamma, beta, eps);
}

std::optional<std::string_view> activationKind(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 6>
      kKinds = {{{"silu", "silu"},
                 {"swish", "silu"},
                 {"gelu", "gelu"},
                 {"gelu_new", "gelu_tanh"},
                 {"gelu_pytorch_tanh", "gelu_tanh"},
                 {"quick_gelu", "quick_gelu"}}};
  auto found = std::find_if(kKinds.begin(), kKinds.end(),
                            [&](const auto& row) { return row.first == name; });
  if (found == kKinds.end())
    return std::nullopt;
  return found->second;
}

Value flattenPixels(GraphBuilder& b, Value image) {
  return b.reshape(image,
                   {extent(image, 0), extent(image, 1) * extent(image, 2),
                    extent(image, 3)});
}

Value unflattenPixels(GraphBuilder& b, Value sequence, Value like) {
  return b.reshape(sequence, {extent(like, 0), extent(like, 1), extent(like, 2),
                              extent(sequence, -1)});
}

Value toChannelsLast(GraphBuilder& b, Value nchw) {
  return b.transpose(nchw, {0, 2, 3, 1});
}

Value toChannelsFirst(GraphBuilder& b, Value nhwc) {
  return b.transpose(nhwc, {0, 3, 1, 2});
}

} // namespace burin::models
