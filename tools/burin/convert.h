// SPDX-License-Identifier: Apache-2.0
// `burin convert`: from a published model to a checkpoint.
#pragma once

#include "tools/burin/cli.h"

namespace burin::cli {

void addConvert(CLI::App& app, Action& chosen);

} // namespace burin::cli
