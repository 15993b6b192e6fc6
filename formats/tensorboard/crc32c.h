// SPDX-License-Identifier: Apache-2.0
// The checksum of TFRecord files.
#pragma once

#include <cstdint>
#include <string_view>

namespace burin {

// CRC-32 with Castagnoli's polynomial (RFC 3720, appendix B.4).
uint32_t crc32c(std::string_view bytes);

// The form that TFRecord stores, rotated and shifted so that the checksum of
// bytes that hold their own checksum is nothing special.
uint32_t maskedCrc32c(std::string_view bytes);

} // namespace burin
