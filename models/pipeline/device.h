// SPDX-License-Identifier: Apache-2.0
// Devices and what to compile for them, by the names that users give.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "runtime/device/device.h"

namespace burin {

inline constexpr std::string_view kDeviceNames = "cpu, cuda or cuda:N";

// A device as named: on the processor, or a card by its number.
struct DeviceName {
  bool cuda = false;
  int ordinal = 0;
};

// "cpu", "cuda" (the first card) or "cuda:N"; the error lists them.
Result<DeviceName> parseDevice(std::string_view name);

// `threads` counts those of the processor, 0 takes one each.
Result<std::unique_ptr<Device>> openDevice(std::string_view name, int threads);

// What to compile for on that device: "x86-64-v4", "sm_90a", "sm_80". Asks the
// driver about a card, and fails where there is no driver or no such card.
Result<std::string> targetOf(std::string_view name);

// The target for cards when none is at hand to be asked.
inline constexpr std::string_view kDefaultCudaTarget = "sm_90a";

// Whether code for `target` runs on a card.
bool isCudaTarget(std::string_view target);

} // namespace burin
