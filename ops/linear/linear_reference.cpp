// SPDX-License-Identifier: Apache-2.0
// The oracle of fully connected contractions.
#include "ops/reference.h"

namespace burin::reference::linear {

std::vector<ReferenceTensor> compute(const ReferenceProperties& p,
                                     std::span<const ReferenceTensor> in) {
  const ReferenceTensor& x = in[0];
  int64_t rows = x.extent(0, x.rank() - 1);
  int64_t width = x.shape.back(), outputs = 0;
  bool transposed = p.flag("transposed");
  for (size_t i = 1; i < in.size(); ++i)
    outputs += in[i].shape[transposed ? 1 : 0];
  Shape shape = x.shape;
  shape.back() = outputs;
  ReferenceTensor y(shape);
  int64_t first = 0;
  for (const ReferenceTensor& w : in.subspan(1)) {
    int64_t count = w.shape[transposed ? 1 : 0];
    for (int64_t m = 0; m < rows; ++m)
      for (int64_t n = 0; n < count; ++n) {
        double sum = 0;
        for (int64_t k = 0; k < width; ++k)
          sum += x.values[m * width + k] *
                 w.values[transposed ? k * count + n : n * width + k];
        y.values[m * outputs + first + n] = sum;
      }
    first += count;
  }
  return {y};
}

} // namespace burin::reference::linear
