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

std::pair<double, double> groupMoments(const ReferenceTensor& x, int64_t groups,
                                       int64_t n, int64_t g) {
  int64_t channels = x.shape.back(), width = channels / groups;
  int64_t pixels = x.extent(1, x.rank() - 1);
  const double* first = x.values.data() + n * pixels * channels + g * width;
  double mean = 0, variance = 0;
  for (int64_t i = 0; i < pixels; ++i)
    for (int64_t c = 0; c < width; ++c)
      mean += first[i * channels + c] / (pixels * width);
  for (int64_t i = 0; i < pixels; ++i)
    for (int64_t c = 0; c < width; ++c) {
      double centred = first[i * channels + c] - mean;
      variance += centred * centred / (pixels * width);
    }
  return {mean, variance};
}

} // namespace burin
