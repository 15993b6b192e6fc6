// SPDX-License-Identifier: Apache-2.0
// The oracle of reordered axes.
#include "ops/reference.h"

namespace burin::reference::transpose {

std::vector<ReferenceTensor> compute(const ReferenceProperties& p,
                                     std::span<const ReferenceTensor> in) {
  const ReferenceTensor& x = in[0];
  const Shape& permutation = p.list("permutation");
  Shape shape;
  for (int64_t axis : permutation)
    shape.push_back(x.shape[axis]);
  ReferenceTensor y(shape);
  for (int64_t i = 0; i < y.count(); ++i) {
    int64_t rest = i, offset = 0;
    for (int64_t axis = y.rank() - 1; axis >= 0; --axis) {
      int64_t source = permutation[axis];
      offset += rest % shape[axis] * x.extent(source + 1, x.rank());
      rest /= shape[axis];
    }
    y.values[i] = x.values[offset];
  }
  return {y};
}

} // namespace burin::reference::transpose
