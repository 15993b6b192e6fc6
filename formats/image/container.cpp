// SPDX-License-Identifier: Apache-2.0
// The chunk structure of PNG and the marker structure of JPEG.
#include "formats/image/container.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace burin {
namespace {

using Bytes = std::span<const std::byte>;

constexpr std::string_view kPngStart = "\x89PNG\r\n\x1a\n";

bool startsWith(Bytes bytes, std::string_view text) {
  return bytes.size() >= text.size() &&
         std::memcmp(bytes.data(), text.data(), text.size()) == 0;
}

uint32_t bigEndian(Bytes bytes, size_t count) {
  uint32_t value = 0;
  for (size_t i = 0; i < count; ++i)
    value = value << 8 | static_cast<uint32_t>(bytes[i]);
  return value;
}

Status truncated(std::string_view what) {
  return dataLoss("the picture is truncated: " + std::string(what) +
                  "; fetch the file again");
}

// The CRC-32 of PNG (polynomial 0xedb88320, bits reflected).
constexpr std::array<uint32_t, 256> kCrcTable = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < table.size(); ++i) {
    table[i] = i;
    for (int bit = 0; bit < 8; ++bit)
      table[i] = (table[i] >> 1) ^ (table[i] & 1 ? 0xedb88320u : 0u);
  }
  return table;
}();

uint32_t crc32(Bytes bytes) {
  uint32_t crc = ~0u;
  for (std::byte byte : bytes)
    crc = (crc >> 8) ^ kCrcTable[(crc ^ static_cast<uint32_t>(byte)) & 0xff];
  return ~crc;
}

// The orientation entry (tag 0x0112) of the first directory of a TIFF block;
// 1 when it is absent or nonsense, since a hint must not spoil a picture.
int exifOrientation(Bytes tiff) {
  if (tiff.size() < 8)
    return 1;
  const bool little = startsWith(tiff, "II");
  auto read = [&](size_t offset, size_t count) -> std::optional<uint32_t> {
    if (offset > tiff.size() || count > tiff.size() - offset)
      return std::nullopt;
    std::array<std::byte, 4> digits{};
    std::copy_n(tiff.begin() + offset, count, digits.begin());
    if (little)
      std::reverse(digits.begin(), digits.begin() + count);
    return bigEndian(digits, count);
  };
  if (!little && !startsWith(tiff, "MM"))
    return 1;
  size_t directory = *read(4, 4);
  uint32_t entries = read(directory, 2).value_or(0);
  for (uint32_t i = 0; i < entries; ++i) {
    size_t entry = directory + 2 + size_t{12} * i;
    if (read(entry, 2) != 0x0112u)
      continue;
    uint32_t value = read(entry + 8, 2).value_or(1);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

Result<ImageContainer> inspectPng(Bytes file) {
  ImageContainer result{.format = ImageContainer::Format::kPng};
  Bytes rest = file.subspan(kPngStart.size());
  while (rest.size() >= 12) { // length, type, data, checksum
    uint32_t length = bigEndian(rest, 4);
    if (length > rest.size() - 12)
      return truncated("a PNG chunk of " + std::to_string(length) +
                       " bytes runs past the end of the file");
    Bytes body = rest.subspan(4, size_t{4} + length);
    if (crc32(body) != bigEndian(rest.subspan(8 + size_t{length}), 4))
      return dataLoss("the picture is damaged: the checksum of a PNG chunk "
                      "is wrong; fetch the file again");
    if (startsWith(body, "IHDR") && length >= 8) {
      result.width = bigEndian(body.subspan(4), 4);
      result.height = bigEndian(body.subspan(8), 4);
    }
    if (startsWith(body, "eXIf"))
      result.orientation = exifOrientation(body.subspan(4));
    if (startsWith(body, "IEND"))
      return result;
    rest = rest.subspan(size_t{12} + length);
  }
  return truncated("the PNG end chunk is missing");
}

// A scan's compressed bytes end at the first marker that is neither an
// escaped 0xff (ff 00), nor a restart (d0 to d7), nor padding (ff ff).
size_t endOfScan(Bytes file, size_t at) {
  for (; at + 1 < file.size(); ++at) {
    auto next = static_cast<uint8_t>(file[at + 1]);
    if (file[at] == std::byte{0xff} && next != 0x00 && next != 0xff &&
        (next < 0xd0 || next > 0xd7))
      return at;
  }
  return file.size();
}

// The marker that states the size: one of c0 to cf that is not a table (c4,
// cc) or reserved (c8).
bool isFrame(uint32_t marker) {
  return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 &&
         marker != 0xcc;
}

// Huffman tables: a byte for the destination, 16 counts of codes by length,
// then one byte a code. The decoder has room for 256 codes and does not count.
bool goodHuffmanTables(Bytes body) {
  constexpr size_t kHead = 17;
  while (!body.empty()) {
    if (body.size() < kHead)
      return false;
    size_t codes = 0;
    for (size_t i = 1; i < kHead; ++i)
      codes += static_cast<size_t>(body[i]);
    if (codes > 256 || codes > body.size() - kHead)
      return false;
    body = body.subspan(kHead + codes);
  }
  return true;
}

Result<ImageContainer> inspectJpeg(Bytes file) {
  constexpr uint32_t kEnd = 0xd9, kScan = 0xda, kApp1 = 0xe1, kHuffman = 0xc4;
  ImageContainer result{.format = ImageContainer::Format::kJpeg};
  bool hasTables = false;
  size_t at = 2; // after the start marker
  while (at + 4 <= file.size() || at + 2 == file.size()) {
    if (file[at] != std::byte{0xff})
      return dataLoss("the picture is damaged: byte " + std::to_string(at) +
                      " of the JPEG should be a marker; fetch the file again");
    auto marker = static_cast<uint32_t>(file[at + 1]);
    if (marker == kEnd)
      return result;
    if (marker == 0xff) { // padding before a marker
      ++at;
      continue;
    }
    if (at + 4 > file.size())
      break;
    size_t length = bigEndian(file.subspan(at + 2), 2);
    if (length < 2 || length > file.size() - at - 2)
      return truncated("a JPEG segment of " + std::to_string(length) +
                       " bytes runs past the end of the file");
    Bytes body = file.subspan(at + 4, length - 2);
    if (isFrame(marker) && body.size() >= 5) {
      result.height = bigEndian(body.subspan(1), 2);
      result.width = bigEndian(body.subspan(3), 2);
    }
    if (marker == kHuffman && !goodHuffmanTables(body))
      return dataLoss("the picture is damaged: a Huffman table of the JPEG has "
                      "more codes than fit; save it again");
    hasTables = hasTables || marker == kHuffman;
    if (marker == kScan && !hasTables)
      return dataLoss("the picture is damaged: a scan of the JPEG comes before "
                      "its Huffman tables; save it again");
    constexpr std::string_view kExif("Exif\0\0", 6);
    if (marker == kApp1 && startsWith(body, kExif))
      result.orientation = exifOrientation(body.subspan(kExif.size()));
    at += 2 + length;
    if (marker == kScan)
      at = endOfScan(file, at);
  }
  return truncated("the JPEG end marker is missing");
}

} // namespace

Result<ImageContainer> inspectImage(std::span<const std::byte> file) {
  if (file.empty())
    return dataLoss("the picture is an empty file; fetch it again");
  const bool png = startsWith(file, kPngStart);
  if (!png && !startsWith(file, "\xff\xd8"))
    return invalidArgument("the picture is neither PNG nor JPEG; save it as "
                           "one of these");
  Result<ImageContainer> result = png ? inspectPng(file) : inspectJpeg(file);
  if (result.ok() && (result->width == 0 || result->height == 0))
    return dataLoss("the picture is damaged: its size is missing or zero; "
                    "save it again");
  return result;
}

} // namespace burin
