// SPDX-License-Identifier: Apache-2.0
// The oracle of GroupNorm's factors.
#include "ops/reference.h"

#include <cmath>

namespace burin::reference::group_affine {

std::vector<ReferenceTensor> compute(const ReferenceProperties& p,
                                     std::span<const ReferenceTensor> in) {
  const ReferenceTensor& x = in[0];
  int64_t batch = x.shape[0], channels = x.shape.back();
  int64_t groups = p.integer("groups"), width = channels / groups;
  Shape shape(x.shape.size(), 1);
  shape.front() = batch;
  shape.back() = channels;
  ReferenceTensor scale(shape), shift(shape);
  for (int64_t n = 0; n < batch; ++n)
    for (int64_t c = 0; c < channels; ++c) {
      auto [mean, variance] = groupMoments(x, groups, n, c / width);
      double factor = in[1].values[c] / std::sqrt(variance + p.number("eps"));
      scale.values[n * channels + c] = factor;
      shift.values[n * channels + c] = in[2].values[c] - mean * factor;
    }
  return {scale, shift};
}

} // namespace burin::reference::group_affine
