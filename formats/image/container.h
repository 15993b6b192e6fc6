// SPDX-License-Identifier: Apache-2.0
// Walks the segments of a picture file, which tells what the pixel decoder
// would not: that the file is whole, and which way is up.
#pragma once

#include "runtime/base/status.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace burin {

struct ImageContainer {
  enum class Format { kPng, kJpeg };
  Format format = Format::kPng;
  uint32_t width = 0, height = 0; // as stored, before it is turned
  // EXIF's 1 to 8: how the stored picture must be turned; 1 is upright.
  int orientation = 1;
};

// Fails when the bytes are neither PNG nor JPEG, when they end before the
// end marker, when a PNG chunk's checksum is wrong, or when no size is given.
Result<ImageContainer> inspectImage(std::span<const std::byte> file);

} // namespace burin
