// SPDX-License-Identifier: Apache-2.0
// Runs another program and reads what it prints.
#pragma once

#include <span>
#include <string>

#include "runtime/base/status.h"

namespace burin::cli {

// Searches PATH for `words[0]` and runs it without a shell. The answer is its
// standard output; standard error stays the caller's. An error where it does
// not start or does not end with status 0.
Result<std::string> runProgram(std::span<const std::string> words);

} // namespace burin::cli
