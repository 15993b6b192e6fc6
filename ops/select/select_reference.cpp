// SPDX-License-Identifier: Apache-2.0
// The oracle of choices between elements.
#include "ops/reference.h"

#include <algorithm>

namespace burin::reference::select {

// Row-major strides for reading `x` in `shape`: 0 where it repeats.
static Shape stridesIn(const ReferenceTensor& x, const Shape& shape) {
  Shape strides(shape.size(), 0);
  size_t missing = shape.size() - x.shape.size();
  for (int64_t axis = 0; axis < x.rank(); ++axis)
    if (x.shape[axis] != 1)
      strides[missing + axis] = x.extent(axis + 1, x.rank());
  return strides;
}

std::vector<ReferenceTensor> compute(const ReferenceProperties&,
                                     std::span<const ReferenceTensor> in) {
  Shape shape;
  for (const ReferenceTensor& x : in) {
    if (x.shape.size() > shape.size())
      shape.insert(shape.begin(), x.shape.size() - shape.size(), 1);
    size_t missing = shape.size() - x.shape.size();
    for (size_t axis = 0; axis < x.shape.size(); ++axis)
      if (x.shape[axis] != 1)
        shape[missing + axis] = x.shape[axis];
  }
  ReferenceTensor y(shape);
  for (int64_t i = 0; i < y.count(); ++i) {
    double values[3];
    for (size_t k = 0; k < 3; ++k) {
      Shape strides = stridesIn(in[k], shape);
      int64_t offset = 0, rest = i;
      for (size_t axis = shape.size(); axis-- > 0; rest /= shape[axis])
        offset += rest % shape[axis] * strides[axis];
      values[k] = in[k].values[offset];
    }
    y.values[i] = values[0] != 0 ? values[1] : values[2];
  }
  return {y};
}

} // namespace burin::reference::select
