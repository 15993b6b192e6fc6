// SPDX-License-Identifier: Apache-2.0
// The case tables: rows of shapes, properties and tolerances, one file an op.
//
//   # name  operands        class     assembly, after the mnemonic
//   tall    normal,@normal  product   %0, %1 : tensor<65x24x$T>,
//   tensor<7x24x$T>
//
// $T stands for each element type in turn; a row without it runs once. Operand
// k is %k. How operands are filled is in operands.h ('@' makes one a parameter
// instead of an input, "-" means none), the classes are in compare.h. $NAME is
// the row's name.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/status.h"

namespace burin::numerics {

struct Case {
  std::string op;
  std::string name; // with the element type that $T stands for
  std::vector<std::string> operands;
  std::string tolerance;
  std::string assembly;
};

// All cases of all `<op>.txt` in `folder`, for the element types `types`.
Result<std::vector<Case>> readCases(const std::string& folder,
                                    std::span<const std::string_view> types);

} // namespace burin::numerics
