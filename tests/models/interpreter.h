// SPDX-License-Identifier: Apache-2.0
// Runs a graph of burin ops through their references, in double: the oracle
// of whole networks, independent of passes, code generation and runtime.
#pragma once

#include "ops/reference.h"
#include "runtime/base/status.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <functional>
#include <span>
#include <string_view>
#include <vector>

namespace burin {

// The checkpoint's tensor of that name.
using ParameterLookup =
    std::function<Result<ReferenceTensor>(std::string_view name)>;

// The results of `function`, in order. Precondition: a function of burin ops
// that verifies, and arguments of its types.
Result<std::vector<ReferenceTensor>>
interpret(mlir::func::FuncOp function,
          std::span<const ReferenceTensor> arguments,
          const ParameterLookup& parameters);

} // namespace burin
