// SPDX-License-Identifier: Apache-2.0
// The oracle of attention.
#include "ops/reference.h"

#include <cmath>
#include <limits>

namespace burin::reference::attention {

// One query's row of one head: `q` and `out` have `width` elements; keys and
// values have `keys` rows, `pitch` apart.
static void attend(const double* q, const double* k, const double* v,
                   double* out, int64_t keys, int64_t width, int64_t pitch,
                   double scale) {
  std::vector<double> scores(keys);
  double largest = -std::numeric_limits<double>::infinity(), sum = 0;
  for (int64_t j = 0; j < keys; ++j) {
    for (int64_t c = 0; c < width; ++c)
      scores[j] += q[c] * k[j * pitch + c] * scale;
    largest = std::fmax(largest, scores[j]);
  }
  for (double& score : scores)
    sum += score = std::exp(score - largest);
  for (int64_t j = 0; j < keys; ++j)
    for (int64_t c = 0; c < width; ++c)
      out[c] += scores[j] / sum * v[j * pitch + c];
}

std::vector<ReferenceTensor> compute(const ReferenceProperties& p,
                                     std::span<const ReferenceTensor> in) {
  const ReferenceTensor& q = in[0];
  int64_t batch = q.shape[0], queries = q.shape[1], pitch = q.shape[2];
  int64_t keys = in[1].shape[1];
  int64_t heads = p.integer("heads"), width = pitch / heads;
  ReferenceTensor y(q.shape);
  for (int64_t n = 0; n < batch; ++n)
    for (int64_t i = 0; i < queries; ++i)
      for (int64_t h = 0; h < heads; ++h) {
        int64_t row = (n * queries + i) * pitch + h * width;
        int64_t first = n * keys * pitch + h * width;
        attend(q.values.data() + row, in[1].values.data() + first,
               in[2].values.data() + first, y.values.data() + row,
               p.flag("causal") ? i + 1 : keys, width, pitch,
               p.number("scale"));
      }
  return {y};
}

} // namespace burin::reference::attention
