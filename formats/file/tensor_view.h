// SPDX-License-Identifier: Apache-2.0
// How tensor files describe what they hold, without copying it.
#pragma once

#include "runtime/base/dtype.h"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace burin {

// A dense, row-major tensor inside a mapped file, valid while the file object
// lives (moving that object keeps it valid).
struct TensorView {
  std::string_view name;
  DType dtype = DType::kF32;
  std::span<const int64_t> shape;
  std::span<const std::byte> data;
};

// What a writer must know of a tensor before its bytes come.
struct TensorSpec {
  std::string name;
  DType dtype = DType::kF32;
  Shape shape;
};

} // namespace burin
