// SPDX-License-Identifier: Apache-2.0
// The oracle of softmax.
#include "ops/reference.h"

#include <cmath>
#include <limits>

namespace burin::reference::softmax {

std::vector<ReferenceTensor> compute(const ReferenceProperties& p,
                                     std::span<const ReferenceTensor> in) {
  ReferenceTensor y = in[0];
  int64_t axis = p.integer("axis");
  int64_t count = y.shape[axis], stride = y.extent(axis + 1, y.rank());
  for (int64_t row = 0; row < y.extent(0, axis); ++row)
    for (int64_t column = 0; column < stride; ++column) {
      double* x = y.values.data() + row * count * stride + column;
      double largest = -std::numeric_limits<double>::infinity(), sum = 0;
      for (int64_t i = 0; i < count; ++i)
        largest = std::fmax(largest, x[i * stride]);
      for (int64_t i = 0; i < count; ++i)
        sum += std::exp(x[i * stride] - largest);
      for (int64_t i = 0; i < count; ++i)
        x[i * stride] = std::exp(x[i * stride] - largest) / sum;
    }
  return {y};
}

} // namespace burin::reference::softmax
