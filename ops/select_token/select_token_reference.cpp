// SPDX-License-Identifier: Apache-2.0
// The oracle of picking a token.
#include "ops/reference.h"

#include <algorithm>
#include <limits>

namespace burin::reference::select_token {

std::vector<ReferenceTensor> compute(const ReferenceProperties& p,
                                     std::span<const ReferenceTensor> in) {
  const ReferenceTensor& x = in[0];
  int64_t batch = x.shape[0], tokens = x.shape[1], width = x.shape[2];
  ReferenceTensor y({batch, width}, std::numeric_limits<double>::quiet_NaN());
  for (int64_t n = 0; n < batch; ++n) {
    auto token = static_cast<int64_t>(in[1].values[n]);
    if (token >= 0 && token < tokens)
      std::copy_n(x.values.begin() + (n * tokens + token) * width, width,
                  y.values.begin() + n * width);
  }
  return {y};
}

} // namespace burin::reference::select_token
