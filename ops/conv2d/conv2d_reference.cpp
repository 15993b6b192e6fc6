// SPDX-License-Identifier: Apache-2.0
// The oracle of convolutions.
#include "ops/reference.h"

namespace burin::reference::conv2d {

namespace {
struct Geometry {
  int64_t stride, top, left, upsample;
  bool transposed;
};
} // namespace

// One output: the window at (row, column) of image n, under filter o.
static double dot(const ReferenceTensor& x, const ReferenceTensor& w,
                  const Geometry& g, int64_t n, int64_t row, int64_t column,
                  int64_t o) {
  int64_t height = x.shape[1], width = x.shape[2], channels = x.shape[3];
  int64_t kernelHeight = w.shape[2], kernelWidth = w.shape[3];
  double sum = 0;
  for (int64_t ky = 0; ky < kernelHeight; ++ky)
    for (int64_t kx = 0; kx < kernelWidth; ++kx) {
      int64_t h = row * g.stride + ky - g.top;
      int64_t v = column * g.stride + kx - g.left;
      if (h < 0 || h >= height * g.upsample || v < 0 || v >= width * g.upsample)
        continue;
      h /= g.upsample;
      v /= g.upsample;
      int64_t taps = kernelHeight * kernelWidth, tap = ky * kernelWidth + kx;
      for (int64_t c = 0; c < channels; ++c)
        sum +=
            x.values[((n * height + h) * width + v) * channels + c] *
            w.values[g.transposed ? (c * w.shape[1] + o) * taps + taps - 1 - tap
                                  : (o * channels + c) * taps + tap];
    }
  return sum;
}

std::vector<ReferenceTensor> compute(const ReferenceProperties& p,
                                     std::span<const ReferenceTensor> in) {
  const ReferenceTensor& x = in[0];
  const ReferenceTensor& w = in[1];
  const Shape& padding = p.list("padding");
  Geometry g{p.integer("stride"), padding[0], padding[1], p.integer("upsample"),
             p.flag("transposed")};
  auto positions = [&](int axis) {
    return (x.shape[1 + axis] * g.upsample + padding[axis] + padding[2 + axis] -
            w.shape[2 + axis]) /
               g.stride +
           1;
  };
  ReferenceTensor y(
      {x.shape[0], positions(0), positions(1), w.shape[g.transposed ? 1 : 0]});
  auto out = y.values.begin();
  for (int64_t n = 0; n < y.shape[0]; ++n)
    for (int64_t row = 0; row < y.shape[1]; ++row)
      for (int64_t column = 0; column < y.shape[2]; ++column)
        for (int64_t o = 0; o < y.shape[3]; ++o)
          *out++ = dot(x, w, g, n, row, column, o);
  return {y};
}

} // namespace burin::reference::conv2d
