// SPDX-License-Identifier: Apache-2.0
// Between pictures of 8 bits and what the networks read and write.
#pragma once

#include <span>

#include "formats/image/image.h"
#include "runtime/base/status.h"

namespace burin::pipeline {

struct Extent {
  int width = 0;
  int height = 0;
  bool operator==(const Extent&) const = default;
};

inline constexpr int kMaxSide = 4096;

// The extent at which a picture is edited: its aspect is kept, the longer
// side comes close to `size`, and both are multiples of `stride`. The rule of
// InstructPix2Pix: enlarge to f = size / longer side, then further until the
// shorter side is a multiple, then cut the longer side to one.
Result<Extent> editExtent(const Extent& picture, int size, int stride);

// Bytes to -1 .. 1; `out` has one value a byte.
void toNetwork(const Image& image, std::span<float> out);
// -1 .. 1 to bytes, clipped and rounded half to even.
Image fromNetwork(std::span<const float> values, const Extent& extent);

} // namespace burin::pipeline
