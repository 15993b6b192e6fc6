// SPDX-License-Identifier: Apache-2.0
// `burin run`: one function of a model on tensors from a file.
#pragma once

#include "tools/burin/cli.h"

namespace burin::cli {

void addRun(CLI::App& app, Action& chosen);

} // namespace burin::cli
