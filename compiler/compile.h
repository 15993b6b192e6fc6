// SPDX-License-Identifier: Apache-2.0
// A graph to the bytes of a module, inside this process.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectRegistry.h"

#include <cstddef>
#include <string>
#include <vector>

namespace burin {

struct CompileOptions {
  // The processor level the module may rely on: "x86-64-v3" (AVX2, FMA) or
  // "x86-64-v4" (AVX-512), or the GPU architecture: "sm_90a" (Hopper), "sm_80"
  // and later.
  std::string target = "x86-64-v3";
};

// Every dialect and translation that compilation uses.
void registerCompiler(mlir::DialectRegistry& registry);

// Compiles the functions of `module`, which is consumed. What is wrong is
// reported through the context's diagnostics.
mlir::FailureOr<std::vector<std::byte>>
compileModule(mlir::ModuleOp module, const CompileOptions& options);

} // namespace burin
