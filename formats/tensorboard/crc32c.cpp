// SPDX-License-Identifier: Apache-2.0
// One table look-up a byte.
#include "formats/tensorboard/crc32c.h"

#include <array>
#include <bit>

namespace burin {
namespace {

// Entry b is what byte b does to a checksum: eight steps of division by the
// polynomial, its bits reversed.
constexpr std::array<uint32_t, 256> makeTable() {
  constexpr uint32_t kPolynomial = 0x82F63B78;
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t rest = byte;
    for (int bit = 0; bit < 8; ++bit)
      rest = (rest >> 1) ^ (rest & 1 ? kPolynomial : 0);
    table[byte] = rest;
  }
  return table;
}

constexpr std::array<uint32_t, 256> kTable = makeTable();

} // namespace

uint32_t crc32c(std::string_view bytes) {
  uint32_t rest = ~0u;
  for (char byte : bytes)
    rest = (rest >> 8) ^ kTable[(rest ^ static_cast<uint8_t>(byte)) & 0xff];
  return ~rest;
}

uint32_t maskedCrc32c(std::string_view bytes) {
  constexpr uint32_t kDelta = 0xA282EAD8;
  return std::rotr(crc32c(bytes), 15) + kDelta;
}

} // namespace burin
