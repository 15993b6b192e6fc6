// SPDX-License-Identifier: Apache-2.0
// Devices and what to compile for them, by the names that users give.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "runtime/device/device.h"

namespace burin {

inline constexpr std::string_view kDeviceNames = "cpu, cuda or cuda:N";

// A device as named: the processor, or a card by its number.
struct DeviceName {
  bool cuda = false;
  int ordinal = 0;
};

// "cpu", "cuda" (the first card) or "cuda:N"; the error lists them.
Result<DeviceName> parseDevice(std::string_view name);

// `threads` counts those of the processor, 0 takes one each. Fails where there
// is no driver or no such card.
Result<std::unique_ptr<Device>> openDevice(std::string_view name, int threads);

// What to compile for: "x86-64-v4", "sm_90a", "sm_80".
Result<std::string> targetOf(const Device& device);

// The target for cards when none is at hand.
inline constexpr std::string_view kDefaultCudaTarget = "sm_90a";

// Whether code for `target` runs on a card.
bool isCudaTarget(std::string_view target);

// The most that was allocated at once on a device with memory of its own; 0
// where it shares the host's.
size_t peakBytes(const Device& device);

} // namespace burin
