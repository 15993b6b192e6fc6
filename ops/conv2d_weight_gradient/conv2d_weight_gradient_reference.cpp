// SPDX-License-Identifier: Apache-2.0
// The oracle of the gradient of a convolution's weight.
#include "ops/reference.h"

namespace burin::reference::conv2d_weight_gradient {

// What the output position (y, x) of image n meets under tap (ky, kx): the
// channels of an element, or nothing.
static const double* meets(const ReferenceProperties& p,
                           const ReferenceTensor& in, int64_t n, int64_t y,
                           int64_t x, int64_t ky, int64_t kx) {
  int64_t factor = p.integer("upsample");
  int64_t row = y * p.integer("stride") + ky - p.list("padding")[0];
  int64_t column = x * p.integer("stride") + kx - p.list("padding")[1];
  if (row < 0 || column < 0 || row >= in.shape[1] * factor ||
      column >= in.shape[2] * factor)
    return nullptr;
  int64_t pixel =
      (n * in.shape[1] + row / factor) * in.shape[2] + column / factor;
  return in.values.data() + pixel * in.shape[3];
}

std::vector<ReferenceTensor> compute(const ReferenceProperties& p,
                                     std::span<const ReferenceTensor> in) {
  const ReferenceTensor& x = in[0];
  int64_t channels = x.shape[3], outputs = in[1].shape[3];
  const Shape& kernel = p.list("kernel");
  ReferenceTensor dw({outputs, channels, kernel[0], kernel[1]});
  int64_t taps = kernel[0] * kernel[1];
  const double* dy = in[1].values.data();
  for (int64_t n = 0; n < in[1].shape[0]; ++n)
    for (int64_t row = 0; row < in[1].shape[1]; ++row)
      for (int64_t column = 0; column < in[1].shape[2]; ++column, dy += outputs)
        for (int64_t tap = 0; tap < taps; ++tap)
          if (const double* met =
                  meets(p, x, n, row, column, tap / kernel[1], tap % kernel[1]))
            for (int64_t o = 0; o < outputs; ++o)
              for (int64_t c = 0; c < channels; ++c)
                dw.values[(o * channels + c) * taps + tap] += dy[o] * met[c];
  return {dw};
}

} // namespace burin::reference::conv2d_weight_gradient
