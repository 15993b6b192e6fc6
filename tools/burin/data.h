// SPDX-License-Identifier: Apache-2.0
// `burin data`: makes instruction-edit examples.
#pragma once

#include "tools/burin/cli.h"

namespace burin::cli {

void addData(CLI::App& app, Action& chosen);

} // namespace burin::cli
