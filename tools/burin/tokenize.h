// SPDX-License-Identifier: Apache-2.0
// `burin tokenize`: the ids that a model reads for a text.
#pragma once

#include "tools/burin/cli.h"

namespace burin::cli {

void addTokenize(CLI::App& app, Action& chosen);

} // namespace burin::cli
