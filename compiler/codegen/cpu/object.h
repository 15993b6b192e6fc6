// SPDX-License-Identifier: Apache-2.0
// The last stage of the CPU target: a module of the LLVM dialect to the bytes
// of an ELF shared object, inside this process.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectRegistry.h"
#include "llvm/ADT/StringRef.h"

#include <cstddef>
#include <vector>

namespace burin {

// Adds the translations that emitSharedObject needs; call it on the registry
// the module's context is made from.
void registerObjectTranslations(mlir::DialectRegistry& registry);

// Optimises `module` (LLVM dialect only; its public functions are exported)
// for `cpu` ("x86-64-v3", "x86-64-v4") and links it. The object needs libc and
// libm at most. Failure comes with a diagnostic at the module.
mlir::FailureOr<std::vector<std::byte>> emitSharedObject(mlir::ModuleOp module,
                                                         llvm::StringRef cpu);

} // namespace burin
