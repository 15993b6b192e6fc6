// SPDX-License-Identifier: Apache-2.0
// Which layers of a model an adapter is for, by patterns of their names.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "formats/safetensors/safetensors.h"

namespace burin::adapters {

// The layers of the UNet, "mid_block.attentions.0.proj_in", ascending, that
// any of the patterns names: by the whole name or by what follows one of its
// dots, "to_q", "attn2.to_k", where '*' stands for any text. Layers multiply by
// a weight: norms and embeddings of one axis are none. The error names a
// pattern that no layer answers to.
Result<std::vector<std::string>>
matchLayers(std::span<const TensorView> model,
            std::span<const std::string> patterns);

} // namespace burin::adapters
