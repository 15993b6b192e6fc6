// SPDX-License-Identifier: Apache-2.0
// The oracle of a convolution with a projected shortcut.
#include "ops/reference.h"

namespace burin::reference {

namespace conv2d {
std::vector<ReferenceTensor> compute(const ReferenceProperties& p,
                                     std::span<const ReferenceTensor> in);
} // namespace conv2d

namespace conv2d_shortcut {

std::vector<ReferenceTensor> compute(const ReferenceProperties& p,
                                     std::span<const ReferenceTensor> in) {
  ReferenceProperties convolution = p;
  convolution.set("upsample", int64_t{1});
  ReferenceTensor y = conv2d::compute(convolution, in.first(2))[0];
  const ReferenceTensor& x = in[2];
  const ReferenceTensor& v = in[3];
  int64_t outputs = y.shape[3], channels = x.shape[3];
  for (int64_t i = 0; i < y.count(); ++i)
    for (int64_t c = 0; c < channels; ++c)
      y.values[i] += x.values[i / outputs * channels + c] *
                     v.values[i % outputs * channels + c];
  return {y};
}

} // namespace conv2d_shortcut
} // namespace burin::reference
