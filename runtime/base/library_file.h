// SPDX-License-Identifier: Apache-2.0
// Where Burin's own libraries are that are opened on demand.
#pragma once

#include <string>

#include "runtime/base/status.h"

namespace burin {

// $variable, or `file` beside the running executable or in ../lib from there.
// The error lists these places.
Result<std::string> findLibraryFile(const char* file, const char* variable);

// What the dynamic linker said last.
std::string dynamicLinkerError();

} // namespace burin
