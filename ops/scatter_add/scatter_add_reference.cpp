// SPDX-License-Identifier: Apache-2.0
// The oracle of sums of rows by number.
#include "ops/reference.h"

namespace burin::reference::scatter_add {

std::vector<ReferenceTensor> compute(const ReferenceProperties& p,
                                     std::span<const ReferenceTensor> in) {
  const ReferenceTensor& x = in[0];
  int64_t batch = x.shape[0], count = x.shape[1], width = x.shape[2];
  int64_t rows = p.integer("rows");
  ReferenceTensor y({batch, rows, width});
  for (int64_t n = 0; n < batch; ++n)
    for (int64_t i = 0; i < count; ++i) {
      auto row = static_cast<int64_t>(in[1].values[n * count + i]);
      if (row < 0 || row >= rows)
        continue;
      for (int64_t c = 0; c < width; ++c)
        y.values[(n * rows + row) * width + c] +=
            x.values[(n * count + i) * width + c];
    }
  return {y};
}

} // namespace burin::reference::scatter_add
