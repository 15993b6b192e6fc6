// SPDX-License-Identifier: Apache-2.0
// The oracle of LayerNorm.
#include "ops/reference.h"

#include <cmath>

namespace burin::reference::layer_norm {

std::vector<ReferenceTensor> compute(const ReferenceProperties& p,
                                     std::span<const ReferenceTensor> in) {
  ReferenceTensor y = in[0];
  int64_t width = y.shape.back();
  for (int64_t row = 0; row < y.extent(0, y.rank() - 1); ++row) {
    double* x = y.values.data() + row * width;
    double mean = 0, variance = 0;
    for (int64_t c = 0; c < width; ++c)
      mean += x[c] / width;
    for (int64_t c = 0; c < width; ++c)
      variance += (x[c] - mean) * (x[c] - mean) / width;
    for (int64_t c = 0; c < width; ++c)
      x[c] = (x[c] - mean) / std::sqrt(variance + p.number("eps")) *
                 in[1].values[c] +
             in[2].values[c];
  }
  return {y};
}

} // namespace burin::reference::layer_norm
