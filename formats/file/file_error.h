// SPDX-License-Identifier: Apache-2.0
// Turns errno of a failed file operation into a Status that says what to do.
#pragma once

#include "runtime/base/status.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace burin {

// "cannot <action> '<path>': <reason>; <remedy>". `action` is a verb such as
// "read" or "write"; `error` is an errno value.
Status fileError(std::string_view action, const std::string& path, int error);

// "512 bytes", "3.4 GB": for messages and listings; powers of 1000.
std::string humanBytes(uint64_t bytes);

} // namespace burin
