// SPDX-License-Identifier: Apache-2.0
// Writes adapters in the layouts that lora.h lists.
#pragma once

#include "models/adapters/lora.h"

namespace burin::adapters {

enum class Layout { kDiffusers, kPeft, kKohya };

// Terms of the UNet, each target there once, in the order given. A folder for
// PEFT, which is made where there is none, a file otherwise. Diffusers and
// PEFT keep one rank and one alpha for all layers, so terms that differ in
// them are an error there; kohya keeps an alpha beside each layer.
Status writeAdapter(const std::string& path, Layout layout,
                    std::span<const LowRank> terms);

} // namespace burin::adapters
