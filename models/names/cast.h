// SPDX-License-Identifier: Apache-2.0
// Changes the floating-point type of tensor data while it is copied.
#pragma once

#include "runtime/base/dtype.h"

#include <cstddef>
#include <span>

namespace burin::names {

// Rounds to nearest, ties to even. Both types are floating point and `target`
// has room for as many elements as `source` holds. Returns how many finite
// values became infinite.
size_t castFloats(DType from, std::span<const std::byte> source, DType to,
                  std::span<std::byte> target);

} // namespace burin::names
