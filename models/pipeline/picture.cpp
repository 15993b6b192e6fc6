// SPDX-License-Identifier: Apache-2.0
// Sizes and values of pictures at the edge of the networks.
#include "models/pipeline/picture.h"

#include <algorithm>
#include <cmath>

namespace burin::pipeline {

Result<Extent> editExtent(const Extent& picture, int size, int stride) {
  if (size < stride || size > kMaxSide)
    return invalidArgument("the size is " + std::to_string(size) +
                           " pixels; this model edits from " +
                           std::to_string(stride) + " to " +
                           std::to_string(kMaxSide));
  double shorter = std::min(picture.width, picture.height);
  double factor =
      static_cast<double>(size) / std::max(picture.width, picture.height);
  factor = std::ceil(shorter * factor / stride) * stride / shorter;
  auto multiple = [&](int side) {
    // The shorter side is a multiple already, up to rounding.
    return static_cast<int64_t>(std::floor(side * factor / stride + 1e-9)) *
           stride;
  };
  int64_t width = multiple(picture.width), height = multiple(picture.height);
  if (std::max(width, height) > kMaxSide)
    return invalidArgument(
        "at size " + std::to_string(size) + " this picture of " +
        std::to_string(picture.width) + "x" + std::to_string(picture.height) +
        " becomes " + std::to_string(width) + "x" + std::to_string(height) +
        "; the longest side is " + std::to_string(kMaxSide) +
        ", crop it to a less extreme shape");
  return Extent{static_cast<int>(width), static_cast<int>(height)};
}

void toNetwork(const Image& image, std::span<float> out) {
  for (size_t i = 0; i < out.size(); ++i)
    out[i] = 2 * (static_cast<float>(image.pixels[i]) / 255.0f) - 1;
}

Image fromNetwork(std::span<const float> values, const Extent& extent) {
  Image image(extent.width, extent.height);
  for (size_t i = 0; i < image.pixels.size(); ++i) {
    float unit = std::clamp(values[i] / 2 + 0.5f, 0.0f, 1.0f);
    // A NaN passes clamp; it becomes black rather than undefined.
    image.pixels[i] = std::isnan(unit)
                          ? uint8_t{0}
                          : static_cast<uint8_t>(std::nearbyint(unit * 255));
  }
  return image;
}

} // namespace burin::pipeline
