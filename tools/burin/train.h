// SPDX-License-Identifier: Apache-2.0
// `burin train`.
#pragma once

#include "tools/burin/cli.h"

namespace burin::cli {

void addTrain(CLI::App& app, Action& chosen);

} // namespace burin::cli
