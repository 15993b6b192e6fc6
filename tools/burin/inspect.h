// SPDX-License-Identifier: Apache-2.0
// `burin inspect`: what is inside a checkpoint, module or safetensors file.
#pragma once

#include "tools/burin/cli.h"

namespace burin::cli {

void addInspect(CLI::App& app, Action& chosen);

} // namespace burin::cli
