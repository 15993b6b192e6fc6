// SPDX-License-Identifier: Apache-2.0
// The oracle of GroupNorm.
#include "ops/reference.h"

#include <cmath>

namespace burin::reference::group_norm {

std::vector<ReferenceTensor> compute(const ReferenceProperties& p,
                                     std::span<const ReferenceTensor> in) {
  const ReferenceTensor& x = in[0];
  ReferenceTensor y = x;
  int64_t channels = x.shape.back();
  int64_t groups = p.integer("groups"), width = channels / groups;
  int64_t pixels = x.extent(1, x.rank() - 1);
  for (int64_t n = 0; n < x.shape[0]; ++n)
    for (int64_t c = 0; c < channels; ++c) {
      auto [mean, variance] = groupMoments(x, groups, n, c / width);
      double factor = in[1].values[c] / std::sqrt(variance + p.number("eps"));
      for (int64_t i = 0; i < pixels; ++i) {
        double& value = y.values[(n * pixels + i) * channels + c];
        value = (value - mean) * factor + in[2].values[c];
      }
    }
  return {y};
}

} // namespace burin::reference::group_norm
