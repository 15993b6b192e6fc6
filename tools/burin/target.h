// SPDX-License-Identifier: Apache-2.0
// The processor or card that code is compiled for ahead of time.
#pragma once

#include <string>

#include "runtime/base/status.h"

namespace CLI {
class App;
}

namespace burin::cli {

// --target: "x86-64-v3", "x86-64-v4", or sm_ and a capability.
void addTargetOption(CLI::App* command, std::string& target);

// `target`; where it is empty that of `device` (empty: the CPU), a card of
// which need not be there.
Result<std::string> chooseTarget(const std::string& device,
                                 const std::string& target);

} // namespace burin::cli
