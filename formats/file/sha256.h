// SPDX-License-Identifier: Apache-2.0
// SHA-256, the name under which public model files are known.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace burin {

// Feed bytes with update(), in pieces of any size, then take hex() once.
class Sha256 {
public:
  enum class Path {
    kFastest, // the processor's own instructions where it has them
    kPlain
  };
  explicit Sha256(Path path = Path::kFastest);
  void update(std::span<const std::byte> bytes);
  // Ends the message: 64 lower-case hexadecimal digits.
  std::string hex();

private:
  void (*compress_)(uint32_t* state, const std::byte* data, size_t blocks);
  std::array<uint32_t, 8> state_;
  std::array<std::byte, 64> block_;
  uint64_t length_ = 0; // bytes seen; length_ % 64 of them wait in block_
};

std::string sha256Hex(std::span<const std::byte> bytes);

} // namespace burin
