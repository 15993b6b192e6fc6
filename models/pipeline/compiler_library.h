// SPDX-License-Identifier: Apache-2.0
// Opens the graph compiler when something must be compiled, so that nothing
// else needs LLVM.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/status.h"

namespace burin {

// Where the compiler is: $BURIN_COMPILER, or libburin-compiler.so beside the
// running executable or in ../lib from there. The error lists these places.
Result<std::string> findCompilerLibrary();

// A text that changes whenever the library file does; reads no more than its
// directory entry.
Result<std::string> compilerFingerprint(const std::string& library);

// The module for a request (compiler/abi.h), made by the library at that
// path. The library stays open until the process ends.
Result<std::vector<std::byte>> compileWith(const std::string& library,
                                           std::string_view request);

} // namespace burin
