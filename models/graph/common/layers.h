// SPDX-License-Identifier: Apache-2.0
// The layers every network here is made of, under the parameter names that
// diffusers and transformers give them ("weight", "bias").
//
// `name` is the layer's place below the current scope. Images are
// [batch, height, width, channels], sequences [batch, tokens, width].
#pragma once

#include "compiler/graph/builder.h"

#include <cstdint>
#include <string_view>

namespace burin::models {

// y = x W^T + b.
Value linear(GraphBuilder& b, std::string_view name, Value x, int64_t width,
             bool bias = true);

// A square kernel of odd size; `stride` 1 keeps the extent.
struct ConvOptions {
  int64_t kernel = 3;
  int64_t stride = 1;
  std::array<int64_t, 4> padding = {1, 1, 1, 1}; // top, left, bottom, right
};
inline constexpr ConvOptions kPointwise = {1, 1, {0, 0, 0, 0}};

Value conv2d(GraphBuilder& b, std::string_view name, Value x, int64_t channels,
             const ConvOptions& options = {});

struct Norm {
  int64_t groups = 32;
  double eps = 1e-5;
};

Value groupNorm(GraphBuilder& b, std::string_view name, Value x,
                const Norm& norm);
Value layerNorm(GraphBuilder& b, std::string_view name, Value x, double eps);

// An activation by its diffusers name: the kinds of burin.unary, and "swish"
// for "silu". Nothing for a name Burin does not know.
std::optional<std::string_view> activationKind(std::string_view name);

// [batch, height, width, c] as [batch, height * width, c].
Value flattenPixels(GraphBuilder& b, Value image);
// The reverse, with the extents of `like`.
Value unflattenPixels(GraphBuilder& b, Value sequence, Value like);

// Between PyTorch's [batch, channels, height, width] and channels-last.
Value toChannelsLast(GraphBuilder& b, Value nchw);
Value toChannelsFirst(GraphBuilder& b, Value nhwc);

} // namespace burin::models
