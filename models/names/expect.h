// SPDX-License-Identifier: Apache-2.0
// The tensors that a component must have, derived from its configuration: the
// measure against which conversion finds missing, unknown and misshapen ones.
#pragma once

#include "formats/file/tensor_view.h"
#include "runtime/base/status.h"

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace burin::names {

// Names as in a checkpoint ("unet.conv_in.weight"), shapes as in PyTorch; the
// element type is left open. `component` is "unet" (UNet2DConditionModel),
// "vae" (AutoencoderKL) or "text_encoder" (CLIPTextModel). A configuration
// that asks for parts these do not have is an error.
Result<std::vector<TensorSpec>> expectTensors(const std::string& component,
                                              const nlohmann::json& config);

} // namespace burin::names
