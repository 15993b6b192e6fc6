// SPDX-License-Identifier: Apache-2.0
// The sizes that kernels reckon with: no product of them may overflow.
#pragma once

#include <cstdint>
#include <initializer_list>

namespace burin::kernels {

// Whether all sizes are positive and their product is at most 2^40: more than
// any memory holds, and far from overflow after a few further factors.
inline bool fitsMemory(std::initializer_list<int64_t> sizes) {
  constexpr int64_t kLimit = int64_t{1} << 40;
  int64_t product = 1;
  for (const int64_t size : sizes) {
    if (size < 1 || size > kLimit / product)
      return false;
    product *= size;
  }
  return true;
}

} // namespace burin::kernels
