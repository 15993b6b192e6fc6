// SPDX-License-Identifier: Apache-2.0
// Changes the element type of tensors at the edge of the command.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "formats/file/tensor_view.h"
#include "runtime/base/status.h"

namespace burin::cli {

// The elements of `tensor` as `dtype`. To a float type from any type, rounded
// to nearest; to an integer type from integers and bools that fit. A float
// does not become an integer: that would hide a mistake.
Result<std::vector<std::byte>> convertElements(const TensorView& tensor,
                                               DType dtype);

} // namespace burin::cli
