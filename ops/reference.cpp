// SPDX-License-Identifier: Apache-2.0
// Tensors of the references.
#include "ops/reference.h"

namespace burin {

ReferenceTensor::ReferenceTensor(Shape extents, double fill)
    : shape(std::move(extents)) {
  values.assign(extent(0, rank()), fill);
}

int64_t ReferenceTensor::extent(int64_t first, int64_t last) const {
  int64_t product = 1;
  for (int64_t axis = first; axis < last; ++axis)
    product *= shape[axis];
  return product;
}

} // namespace burin
