// SPDX-License-Identifier: Apache-2.0
// The goldens that golden/make_models.py writes.
#pragma once

namespace burin::golden {

inline constexpr const char* kGoldens[] = {
    "resnet_time",        "resnet_plain",    "transformer_conv",
    "transformer_linear", "unet_down_plain", "unet_down_cross",
    "unet_middle",        "unet_up_plain",   "unet_up_cross",
    "unet_small",         "unet_variant",    "vae_small",
    "vae_variant",        "clip_quick_gelu", "clip_gelu",
};

} // namespace burin::golden
