// SPDX-License-Identifier: Apache-2.0
// The parts of the file layout that reader and writer must agree on.
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

namespace burin::checkpoint {

static_assert(std::endian::native == std::endian::little,
              "tensor files are little-endian and read in place");

inline constexpr std::string_view kMagic = "BURINCKP";
inline constexpr uint64_t kIndexOffset = 16; // after the magic and the size
inline constexpr uint32_t kVersion = 1;
inline constexpr uint64_t kPage = 4096;

constexpr uint64_t alignUp(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

// Small tensors share pages; large ones own theirs, so that releasing one
// gives all of it back.
constexpr uint64_t alignmentOf(uint64_t bytes) {
  return bytes >= (1u << 20) ? kPage : 64;
}

} // namespace burin::checkpoint
