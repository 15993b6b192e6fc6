// SPDX-License-Identifier: Apache-2.0
// `burin edit`: a picture and an instruction in, the edited picture out.
#pragma once

#include "tools/burin/cli.h"

namespace burin::cli {

void addEdit(CLI::App& app, Action& chosen);

} // namespace burin::cli
