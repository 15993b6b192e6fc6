// SPDX-License-Identifier: Apache-2.0
// The oracle of attention's gradients.
#include "ops/reference.h"

#include <cmath>
#include <limits>

namespace burin::reference::attention_gradient {

namespace {

// One head of one sample; rows of all tensors are `pitch` apart.
struct Head {
  const double *q, *k, *v, *y, *dy;
  double *dq, *dk, *dv;
  int64_t width, pitch;
  double scale;

  // Adds what flows through the weights that query `i` gives to `keys` keys.
  void addQuery(int64_t i, int64_t keys) const {
    auto dot = [&](const double* a, const double* b) {
      double sum = 0;
      for (int64_t d = 0; d < width; ++d)
        sum += a[d] * b[d];
      return sum;
    };
    std::vector<double> weight(keys), product(keys);
    double largest = -std::numeric_limits<double>::infinity(), sum = 0;
    for (int64_t j = 0; j < keys; ++j) {
      weight[j] = dot(q + i * pitch, k + j * pitch) * scale;
      product[j] = dot(dy + i * pitch, v + j * pitch);
      largest = std::fmax(largest, weight[j]);
    }
    for (double& each : weight)
      sum += each = std::exp(each - largest);
    const double inner = dot(dy + i * pitch, y + i * pitch);
    for (int64_t j = 0; j < keys; ++j) {
      weight[j] /= sum;
      double score = scale * weight[j] * (product[j] - inner);
      for (int64_t d = 0; d < width; ++d) {
        dq[i * pitch + d] += score * k[j * pitch + d];
        dk[j * pitch + d] += score * q[i * pitch + d];
        dv[j * pitch + d] += weight[j] * dy[i * pitch + d];
      }
    }
  }
};

} // namespace

std::vector<ReferenceTensor> compute(const ReferenceProperties& p,
                                     std::span<const ReferenceTensor> in) {
  int64_t queries = in[0].shape[1], keys = in[1].shape[1];
  int64_t pitch = in[0].shape[2], heads = p.integer("heads");
  std::vector<ReferenceTensor> out;
  for (int i = 0; i < 3; ++i)
    out.emplace_back(in[i].shape);
  for (int64_t n = 0; n < in[0].shape[0]; ++n)
    for (int64_t h = 0; h < heads; ++h) {
      int64_t column = h * (pitch / heads);
      int64_t query = n * queries * pitch + column;
      int64_t key = n * keys * pitch + column;
      Head head{in[0].values.data() + query,
                in[1].values.data() + key,
                in[2].values.data() + key,
                in[3].values.data() + query,
                in[4].values.data() + query,
                out[0].values.data() + query,
                out[1].values.data() + key,
                out[2].values.data() + key,
                pitch / heads,
                pitch,
                p.number("scale")};
      for (int64_t i = 0; i < queries; ++i)
        head.addQuery(i, p.flag("causal") ? i + 1 : keys);
    }
  return out;
}

} // namespace burin::reference::attention_gradient
