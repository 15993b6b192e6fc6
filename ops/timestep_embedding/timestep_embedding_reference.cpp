// SPDX-License-Identifier: Apache-2.0
// The oracle of sinusoidal times; angles are float32 by definition.
#include "ops/reference.h"

#include <cmath>

namespace burin::reference::timestep_embedding {

std::vector<ReferenceTensor> compute(const ReferenceProperties& p,
                                     std::span<const ReferenceTensor> in) {
  int64_t batch = in[0].count(), width = p.integer("width");
  int64_t half = width / 2;
  int64_t sine = p.flag("flipSinToCos") ? half : 0, cosine = half - sine;
  ReferenceTensor y({batch, width});
  for (int64_t n = 0; n < batch; ++n)
    for (int64_t j = 0; j < half; ++j) {
      float exponent = static_cast<float>(-std::log(p.number("maxPeriod"))) *
                       static_cast<float>(j) /
                       static_cast<float>(half - p.number("shift"));
      float angle = static_cast<float>(in[0].values[n]) *
                    static_cast<float>(std::exp(double{exponent}));
      y.values[n * width + sine + j] = std::sin(double{angle});
      y.values[n * width + cosine + j] = std::cos(double{angle});
    }
  return {y};
}

} // namespace burin::reference::timestep_embedding
