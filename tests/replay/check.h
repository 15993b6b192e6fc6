// SPDX-License-Identifier: Apache-2.0
// Runs one case on a device and holds the result against what is expected.
#pragma once

#include "runtime/device/device.h"

#include <string>

namespace burin::replay {

struct Outcome {
  double share = 0;  // of the tolerance that was used: at most 1 passes
  std::string fault; // why it failed; empty when it passed
};

// An error means that the device or the files failed, not the numbers. The
// function runs twice on the same inputs, in device memory that is poisoned
// before each run and guarded behind each output: both runs must agree bit
// for bit and leave the guards alone.
Result<Outcome> checkCase(const std::string& path, Device& device);

} // namespace burin::replay
