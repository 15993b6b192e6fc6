// SPDX-License-Identifier: Apache-2.0
// The oracle of GroupNorm.
#include "ops/reference.h"

#include <cmath>

namespace burin::reference::group_norm {

// Mean and biased variance of group g of image n.
static std::pair<double, double> moments(const ReferenceTensor& x,
                                         int64_t groups, int64_t n, int64_t g) {
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

std::vector<ReferenceTensor> compute(const ReferenceProperties& p,
                                     std::span<const ReferenceTensor> in) {
  const ReferenceTensor& x = in[0];
  ReferenceTensor y = x;
  int64_t channels = x.shape.back();
  int64_t groups = p.integer("groups"), width = channels / groups;
  int64_t pixels = x.extent(1, x.rank() - 1);
  for (int64_t n = 0; n < x.shape[0]; ++n)
    for (int64_t c = 0; c < channels; ++c) {
      auto [mean, variance] = moments(x, groups, n, c / width);
      double factor = in[1].values[c] / std::sqrt(variance + p.number("eps"));
      for (int64_t i = 0; i < pixels; ++i) {
        double& value = y.values[(n * pixels + i) * channels + c];
        value = (value - mean) * factor + in[2].values[c];
      }
    }
  return {y};
}

} // namespace burin::reference::group_norm
