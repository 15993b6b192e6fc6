// SPDX-License-Identifier: Apache-2.0
// The oracle of table lookup.
#include "ops/reference.h"

#include <algorithm>
#include <limits>

namespace burin::reference::embedding {

std::vector<ReferenceTensor> compute(const ReferenceProperties& p,
                                     std::span<const ReferenceTensor> in) {
  const ReferenceTensor& table = in[0];
  const ReferenceTensor& ids = in[1];
  int64_t width = table.shape[1];
  Shape shape = ids.shape;
  shape.push_back(width);
  ReferenceTensor y(shape, std::numeric_limits<double>::quiet_NaN());
  for (int64_t i = 0; i < ids.count(); ++i) {
    auto id = static_cast<int64_t>(ids.values[i]);
    if (id >= 0 && id < table.shape[0])
      std::copy_n(table.values.begin() + id * width, width,
                  y.values.begin() + i * width);
  }
  return {y};
}

} // namespace burin::reference::embedding
