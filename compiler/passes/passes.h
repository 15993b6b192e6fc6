// SPDX-License-Identifier: Apache-2.0
// The compiler's passes; passes.td is the table of contents.
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace burin {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "compiler/passes/passes.h.inc"

// What burin-form-regions does, for a pass that wants to know the outcome.
mlir::LogicalResult formRegions(mlir::Block& block, bool gpu);

} // namespace burin
