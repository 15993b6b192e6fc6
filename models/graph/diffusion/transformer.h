// SPDX-License-Identifier: Apache-2.0
// Transformer2DModel of Stable Diffusion: attention over an image's pixels
// and from them to the text.
#pragma once

#include "models/graph/common/blocks.h"

namespace burin::models {

struct TransformerOptions {
  int64_t heads = 8;
  int64_t depth = 1; // transformer blocks
  int64_t groups = 32;
  bool linearProjection = false; // proj_in and proj_out: linear or 1x1 conv
};

// `context` is [batch, tokens, width]; the result has the shape of `x`.
Value spatialTransformer(GraphBuilder& b, std::string_view name, Value x,
                         Value context, const TransformerOptions& options);

} // namespace burin::models
