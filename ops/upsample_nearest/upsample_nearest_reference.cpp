// SPDX-License-Identifier: Apache-2.0
// The oracle of enlargement.
#include "ops/reference.h"

namespace burin::reference::upsample_nearest {

std::vector<ReferenceTensor> compute(const ReferenceProperties& p,
                                     std::span<const ReferenceTensor> in) {
  const ReferenceTensor& x = in[0];
  int64_t factor = p.integer("factor");
  int64_t height = x.shape[1], width = x.shape[2], channels = x.shape[3];
  ReferenceTensor y({x.shape[0], height * factor, width * factor, channels});
  auto out = y.values.begin();
  for (int64_t n = 0; n < y.shape[0]; ++n)
    for (int64_t row = 0; row < y.shape[1]; ++row)
      for (int64_t column = 0; column < y.shape[2]; ++column)
        for (int64_t c = 0; c < channels; ++c)
          *out++ =
              x.values[((n * height + row / factor) * width + column / factor) *
                           channels +
                       c];
  return {y};
}

} // namespace burin::reference::upsample_nearest
