// SPDX-License-Identifier: Apache-2.0
// Decodes through stb after the file's structure and size were checked.
#include "formats/image/image.h"

#include "formats/file/atomic_file.h"
#include "formats/file/file_error.h"
#include "formats/file/mapped_file.h"
#include "formats/image/container.h"
#include "formats/image/stb.h"

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <memory>

namespace burin {
namespace {

using Bytes = std::span<const std::byte>;

struct Freed {
  void operator()(void* memory) const { std::free(memory); }
};

const stbi_uc* data(Bytes bytes) {
  return reinterpret_cast<const stbi_uc*>(bytes.data());
}

Status undecodable() {
  const char* reason = stbi_failure_reason();
  return dataLoss(std::string("the picture cannot be decoded: ") +
                  (reason ? reason : "unknown reason") +
                  "; save it again as PNG or JPEG");
}

Status checkExtent(const ImageContainer& container, const ImageLimits& limits) {
  const int64_t width = container.width, height = container.height;
  if (width <= limits.side && height <= limits.side &&
      width * height <= limits.pixels)
    return okStatus();
  return invalidArgument("the picture has " + std::to_string(width) + "x" +
                         std::to_string(height) + " pixels, at most " +
                         std::to_string(limits.side) + " a side and " +
                         std::to_string(limits.pixels / 1'000'000) +
                         " million in all are read; scale it down first");
}

// Lays `count` pixels of `channels` samples (2 and 4: the last is opacity)
// of largest value `top` over white.
template <typename Sample>
void toRgb(const Sample* source, int channels, size_t count, uint32_t top,
           uint8_t* target) {
  const bool alpha = channels % 2 == 0;
  const int second = channels >= 3 ? 1 : 0, third = channels >= 3 ? 2 : 0;
  for (size_t i = 0; i < count; ++i, source += channels, target += 3) {
    const uint64_t opacity = alpha ? source[channels - 1] : top;
    auto blend = [&](uint64_t sample) {
      uint64_t sum = sample * opacity + uint64_t{top} * (top - opacity);
      uint64_t scale = uint64_t{top} * top;
      return static_cast<uint8_t>((sum * 255 + scale / 2) / scale);
    };
    target[0] = blend(source[0]);
    target[1] = blend(source[second]);
    target[2] = blend(source[third]);
  }
}

Result<Image> decodePixels(Bytes file, const ImageContainer& container) {
  int width = 0, height = 0, channels = 0;
  const int size = static_cast<int>(file.size());
  const bool wide = stbi_is_16_bit_from_memory(data(file), size) != 0;
  std::unique_ptr<void, Freed> samples;
  if (wide)
    samples.reset(stbi_load_16_from_memory(data(file), size, &width, &height,
                                           &channels, 0));
  else
    samples.reset(
        stbi_load_from_memory(data(file), size, &width, &height, &channels, 0));
  if (!samples)
    return undecodable();
  if (static_cast<uint32_t>(width) != container.width ||
      static_cast<uint32_t>(height) != container.height || channels < 1 ||
      channels > 4)
    return dataLoss("the picture contradicts its own header; save it again");
  Image image(width, height);
  const size_t count = size_t(width) * height;
  if (wide)
    toRgb(static_cast<const uint16_t*>(samples.get()), channels, count, 65535,
          image.pixels.data());
  else
    toRgb(static_cast<const uint8_t*>(samples.get()), channels, count, 255,
          image.pixels.data());
  return image;
}

// Applies EXIF's orientation: bit 2 of (o - 1) transposes, and the stored
// rows or columns may run backwards.
Image upright(Image image, int orientation) {
  if (orientation == 1)
    return image;
  const bool transposed = orientation >= 5;
  const bool flipX = orientation == 2 || orientation == 3 || orientation == 7 ||
                     orientation == 8;
  const bool flipY = orientation == 3 || orientation == 4 || orientation == 6 ||
                     orientation == 7;
  Image result(transposed ? image.height : image.width,
               transposed ? image.width : image.height);
  for (int y = 0; y < result.height; ++y)
    for (int x = 0; x < result.width; ++x) {
      int column = transposed ? y : x, row = transposed ? x : y;
      std::copy_n(image.at(flipX ? image.width - 1 - column : column,
                           flipY ? image.height - 1 - row : row),
                  3, result.at(x, y));
    }
  return result;
}

} // namespace

Result<Image> decodeImage(Bytes file, const ImageLimits& limits) {
  if (file.size() > std::min<size_t>(limits.fileBytes, INT_MAX))
    return invalidArgument("the picture file has " + humanBytes(file.size()) +
                           ", at most " + humanBytes(limits.fileBytes) +
                           " are read; scale the picture down first");
  BURIN_ASSIGN(ImageContainer container, inspectImage(file));
  BURIN_TRY(checkExtent(container, limits));
  BURIN_ASSIGN(Image image, decodePixels(file, container));
  return upright(std::move(image), container.orientation);
}

Result<Image> readImage(const std::string& path, const ImageLimits& limits) {
  BURIN_ASSIGN(MappedFile file, MappedFile::open(path));
  Result<Image> image = decodeImage(file.bytes(), limits);
  if (!image.ok())
    return image.status().within("'" + path + "'");
  return image;
}

Result<std::vector<std::byte>> encodePng(const Image& image) {
  if (image.width < 1 || image.height < 1 ||
      image.pixels.size() != size_t{3} * image.width * image.height)
    return invalidArgument("a picture of " + std::to_string(image.width) + "x" +
                           std::to_string(image.height) +
                           " pixels cannot be written as PNG");
  std::vector<std::byte> bytes;
  auto collect = [](void* context, void* part, int size) {
    auto* begin = static_cast<const std::byte*>(part);
    static_cast<std::vector<std::byte>*>(context)->assign(begin, begin + size);
  };
  if (!stbi_write_png_to_func(collect, &bytes, image.width, image.height, 3,
                              image.pixels.data(), 3 * image.width))
    return Status(Code::kOutOfMemory,
                  "not enough memory to encode a picture of " +
                      std::to_string(image.width) + "x" +
                      std::to_string(image.height) + " pixels");
  return bytes;
}

Status writePng(const std::string& path, const Image& image) {
  BURIN_ASSIGN(std::vector<std::byte> bytes, encodePng(image));
  return writeFileAtomically(path, bytes);
}

} // namespace burin
