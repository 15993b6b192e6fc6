// SPDX-License-Identifier: Apache-2.0
// Pictures: checksums are made right first, so that changes reach the decoder
// behind the check.
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "formats/image/image.h"
#include "tests/robustness/fuzz.h"

namespace burin {
namespace {

uint32_t crcOf(const uint8_t* data, size_t size) {
  uint32_t crc = ~0u;
  for (size_t i = 0; i < size; ++i) {
    crc ^= data[i];
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc >> 1) ^ (crc & 1 ? 0xedb88320u : 0u);
  }
  return ~crc;
}

// Walks the chunks of what starts like a PNG: length, type, data, checksum.
void repairChecksums(std::vector<uint8_t>& file) {
  if (file.size() < 8 || file[0] != 0x89)
    return;
  for (size_t at = 8; file.size() - at >= 12;) {
    uint32_t length = 0;
    for (int i = 0; i < 4; ++i)
      length = length << 8 | file[at + i];
    if (length > file.size() - at - 12)
      return;
    uint32_t crc = crcOf(&file[at + 4], size_t{4} + length);
    for (int i = 0; i < 4; ++i)
      file[at + 8 + length + i] = static_cast<uint8_t>(crc >> (24 - 8 * i));
    at += size_t{12} + length;
  }
}

} // namespace

std::vector<std::vector<std::byte>> fuzzSeeds() {
  std::vector<std::vector<std::byte>> seeds;
  for (const char* name :
       {"grey16.png", "rgba.png", "palette.png", "bilevel.png", "jpeg_grey.jpg",
        "jpeg_progressive.jpg", "orientation6.jpg"}) {
    std::ifstream file(std::string("tests/formats/golden/images/") + name,
                       std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(file), {}};
    if (text.empty())
      return {}; // run elsewhere than at the root: the driver says so
    auto bytes = std::as_bytes(std::span(text));
    seeds.emplace_back(bytes.begin(), bytes.end());
  }
  return seeds;
}

} // namespace burin

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<uint8_t> file(data, data + size);
  burin::repairChecksums(file);
  burin::ImageLimits limits;
  limits.pixels = 1 << 20;
  auto image = burin::decodeImage(std::as_bytes(std::span(file)), limits);
  if (image.ok() &&
      image->pixels.size() != size_t{3} * image->width * image->height)
    std::abort();
  return 0;
}
