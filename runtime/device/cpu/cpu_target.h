// SPDX-License-Identifier: Apache-2.0
// Which code this processor can run: x86-64 levels as LLVM names them.
#pragma once

#include <string_view>

#include "runtime/base/status.h"

namespace burin {

// The highest level that modules are compiled for here: "x86-64-v4" or
// "x86-64-v3"; an error on an older processor.
Result<std::string_view> hostTarget();

// Fails, saying what is missing, when this processor cannot run code for
// `target`.
Status checkTarget(std::string_view target);

} // namespace burin
