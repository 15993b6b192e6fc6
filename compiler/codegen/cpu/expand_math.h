// SPDX-License-Identifier: Apache-2.0
// Scalar functions as arithmetic, so that loops over them become vector code.
#pragma once

#include "mlir/IR/Operation.h"

namespace burin {

// Rewrites float32 `math.exp`, `math.erf` and `math.tanh` below `root` into
// rational functions and polynomials over arith. The others stay: the CPU has
// an instruction (sqrt), or libm serves (sin, cos, pow, log). The result is
// within 5 units in the last place of the exact value, measured over the whole
// range by expand_math_test; infinities and NaN are kept, and results below
// the smallest normal number may be flushed to zero.
mlir::LogicalResult expandMath(mlir::Operation* root);

} // namespace burin
