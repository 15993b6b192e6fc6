// SPDX-License-Identifier: Apache-2.0
// What the factors of an adapter are before it is trained.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "runtime/base/dtype.h"

namespace burin::adapters {

// The names of factors in a module: "unet.conv_in.lora_A.weight".
inline constexpr std::string_view kDownFactor = ".lora_A.weight";
inline constexpr std::string_view kUpFactor = ".lora_B.weight";

// As PEFT begins: A [rank, inputs, ...] uniform in +-1 / sqrt(inputs ...), B
// zero, so that the network is the frozen one. Numbers depend on the seed and
// on `stream`, which tells factors apart.
void initializeFactor(std::string_view name, std::span<const int64_t> shape,
                      uint64_t seed, uint64_t stream, std::span<float> values);

} // namespace burin::adapters
