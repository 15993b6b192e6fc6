// SPDX-License-Identifier: Apache-2.0
// Which model a subcommand uses when the user names none.
#pragma once

#include <string>

#include "runtime/base/status.h"

namespace burin::cli {

// `given` when it is not empty, else $BURIN_MODEL, else the first *.burin in
// ../share/burin from the command's folder or in models/pretrained of the
// source tree around it. The error lists these places.
Result<std::string> findModel(const std::string& given);

} // namespace burin::cli
