// SPDX-License-Identifier: Apache-2.0
// Walks output positions in order, so that one division per block suffices.
#include "kernels/cpu/contract/row_table.h"

namespace burin::kernels {

template <typename T>
void fillRowTable(const Geometry& g, const T* input, int64_t pitch,
                  const T* zeros, int64_t firstRow, int64_t count,
                  int64_t rowBlock, const T** table) {
  const int64_t height = g.inHeight * g.upsample;
  const int64_t width = g.inWidth * g.upsample;
  int64_t outX = firstRow % g.outWidth;
  int64_t outY = firstRow / g.outWidth % g.outHeight;
  int64_t image = firstRow / g.outWidth / g.outHeight;
  for (int64_t i = 0; i < count; ++i) {
    const T* base = input + image * g.inHeight * g.inWidth * pitch;
    const T** entry = table + i;
    for (int64_t ky = 0; ky < g.kernelHeight; ++ky) {
      const int64_t y = outY * g.stride + ky - g.padTop;
      const bool insideY = y >= 0 && y < height;
      const int64_t inY = g.upsample == 1 ? y : y / g.upsample;
      for (int64_t kx = 0; kx < g.kernelWidth; ++kx, entry += rowBlock) {
        const int64_t x = outX * g.stride + kx - g.padLeft;
        const int64_t inX = g.upsample == 1 ? x : x / g.upsample;
        const bool inside = insideY && x >= 0 && x < width;
        *entry = inside ? base + (inY * g.inWidth + inX) * pitch : zeros;
      }
    }
    if (++outX < g.outWidth)
      continue;
    outX = 0;
    if (++outY < g.outHeight)
      continue;
    outY = 0;
    ++image;
  }
}

template void fillRowTable(const Geometry&, const float*, int64_t, const float*,
                           int64_t, int64_t, int64_t, const float**);
template void fillRowTable(const Geometry&, const uint16_t*, int64_t,
                           const uint16_t*, int64_t, int64_t, int64_t,
                           const uint16_t**);

} // namespace burin::kernels
