// SPDX-License-Identifier: Apache-2.0
// `burin compile`: one function of a model into a module file.
#pragma once

#include "tools/burin/cli.h"

namespace burin::cli {

void addCompile(CLI::App& app, Action& chosen);

} // namespace burin::cli
