// SPDX-License-Identifier: Apache-2.0
// `burin bench`: times a function of a model, alone or beside PyTorch.
#pragma once

#include "tools/burin/cli.h"

namespace burin::cli {

void addBench(CLI::App& app, Action& chosen);

} // namespace burin::cli
