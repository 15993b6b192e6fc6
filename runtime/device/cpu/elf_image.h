// SPDX-License-Identifier: Apache-2.0
// Maps generated x86-64 code, an ELF shared object in memory, into the process.
#pragma once

#include <memory>

#include "runtime/device/device.h"

namespace burin {

// Loads through the system's dynamic linker without a file on disk. Undefined
// symbols must exist in the C library or in libm.
Result<std::unique_ptr<CodeImage>> loadElfImage(std::span<const std::byte> elf);

} // namespace burin
