// SPDX-License-Identifier: Apache-2.0
// The oracle of windows.
#include "ops/reference.h"

#include <algorithm>

namespace burin::reference::slice {

std::vector<ReferenceTensor> compute(const ReferenceProperties& p,
                                     std::span<const ReferenceTensor> in) {
  const ReferenceTensor& x = in[0];
  int64_t axis = p.integer("axis");
  Shape shape = x.shape;
  shape[axis] = p.integer("size");
  ReferenceTensor y(shape);
  int64_t stride = x.extent(axis + 1, x.rank());
  int64_t block = y.extent(axis, y.rank());
  for (int64_t row = 0; row < y.extent(0, axis); ++row)
    std::copy_n(x.values.begin() +
                    (row * x.shape[axis] + p.integer("start")) * stride,
                block, y.values.begin() + row * block);
  return {y};
}

} // namespace burin::reference::slice
