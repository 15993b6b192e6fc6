// SPDX-License-Identifier: Apache-2.0
// The copy engine of a GPU on the CPU: what a box of a tensor map holds.
#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "kernels/cuda/plan.h"

namespace burin::kernels::cuda {

// Element `i` of a box of the copy engine, or 0 outside the tensor. Memory is
// in elements of `bytes`.
inline float boxElement(const MapPlan& map, const std::vector<float>& memory,
                        int bytes, const std::vector<int64_t>& origin,
                        int64_t i) {
  uint64_t at = 0;
  for (size_t d = 0; d < map.extents.size(); ++d) {
    const int64_t step = map.steps.empty() ? 1 : map.steps[d];
    const int64_t size = (map.box[d] + step - 1) / step;
    const int64_t position = origin[d] + i % size * step;
    i /= size;
    if (position < 0 || position >= static_cast<int64_t>(map.extents[d]))
      return 0;
    at += d == 0 ? position * bytes : position * map.strides[d - 1];
  }
  EXPECT_EQ(i, 0);
  return memory.at(at / bytes);
}

} // namespace burin::kernels::cuda
