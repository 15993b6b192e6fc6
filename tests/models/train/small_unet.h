// SPDX-License-Identifier: Apache-2.0
// The UNet of golden/unet_small.safetensors, as a checkpoint.
#pragma once

#include <string>

#include "runtime/base/dtype.h"
#include "runtime/base/status.h"

namespace burin {

// Its weights as `dtype`, f32 or bf16 (the upper halves).
Status writeSmallUNet(const std::string& path, DType dtype = DType::kF32);

} // namespace burin
