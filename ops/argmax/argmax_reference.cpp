// SPDX-License-Identifier: Apache-2.0
// The oracle of positions of maxima.
#include "ops/reference.h"

#include <cmath>

namespace burin::reference::argmax {

std::vector<ReferenceTensor> compute(const ReferenceProperties& p,
                                     std::span<const ReferenceTensor> in) {
  const ReferenceTensor& x = in[0];
  int64_t width = x.shape.back();
  ReferenceTensor y(Shape(x.shape.begin(), x.shape.end() - 1));
  for (int64_t row = 0; row < y.count(); ++row) {
    const double* values = x.values.data() + row * width;
    int64_t best = 0;
    for (int64_t i = 1; i < width; ++i)
      if (!std::isnan(values[best]) && !(values[i] <= values[best]))
        best = i; // larger, or the first NaN
    y.values[row] = static_cast<double>(best);
  }
  return {y};
}

} // namespace burin::reference::argmax
