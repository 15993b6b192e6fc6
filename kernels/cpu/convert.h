// SPDX-License-Identifier: Apache-2.0
// Reads elements of any float type as float32.
#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/base/dtype.h"

namespace burin::kernels {

inline bool isFloat(DType dtype) {
  return dtype == DType::kF16 || dtype == DType::kBF16 ||
         dtype == DType::kF32 || dtype == DType::kF64;
}

// Elements [first, first + count) of `from`, which holds a float type.
inline void convertToFloat(DType dtype, const void* from, int64_t first,
                           int64_t count, float* to) {
  switch (dtype) {
  case DType::kF16:
    for (int64_t i = 0; i < count; ++i)
      to[i] = f16ToFloat(static_cast<const uint16_t*>(from)[first + i]);
    break;
  case DType::kBF16:
    for (int64_t i = 0; i < count; ++i)
      to[i] = bf16ToFloat(static_cast<const uint16_t*>(from)[first + i]);
    break;
  case DType::kF64:
    for (int64_t i = 0; i < count; ++i)
      to[i] = static_cast<float>(static_cast<const double*>(from)[first + i]);
    break;
  default:
    for (int64_t i = 0; i < count; ++i)
      to[i] = static_cast<const float*>(from)[first + i];
  }
}

} // namespace burin::kernels
