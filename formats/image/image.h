// SPDX-License-Identifier: Apache-2.0
// Pictures as the pipelines see them, and the files they come from.
#pragma once

#include "runtime/base/status.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace burin {

// Row after row of red, green, blue, 8 bits each, as sRGB files hold them.
struct Image {
  int width = 0;
  int height = 0;
  std::vector<uint8_t> pixels; // width * height * 3

  Image() = default;
  Image(int w, int h, uint8_t value = 0)
      : width(w), height(h), pixels(size_t{3} * w * h, value) {}
  uint8_t* at(int x, int y) {
    return pixels.data() + 3 * (size_t(y) * width + x);
  }
  const uint8_t* at(int x, int y) const {
    return pixels.data() + 3 * (size_t(y) * width + x);
  }
};

// What is refused before memory is spent on it.
struct ImageLimits {
  size_t fileBytes = 256u << 20;
  int side = 32768;
  int64_t pixels = 100'000'000;
};

// PNG or JPEG, upright according to its EXIF orientation. Grey becomes three
// equal channels, 16 bits are rounded to 8, transparency is laid over white.
// A truncated or damaged file is an error, never half a picture.
Result<Image> readImage(const std::string& path,
                        const ImageLimits& limits = {});
Result<Image> decodeImage(std::span<const std::byte> file,
                          const ImageLimits& limits = {});

// PNG, 8 bits RGB; written beside and renamed.
Status writePng(const std::string& path, const Image& image);
Result<std::vector<std::byte>> encodePng(const Image& image);

} // namespace burin
