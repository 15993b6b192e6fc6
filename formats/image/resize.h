// SPDX-License-Identifier: Apache-2.0
// Changes the size of pictures as Pillow does, because that is how the
// published pipelines prepare theirs.
#pragma once

#include "formats/image/image.h"

namespace burin {

// A part of a picture in its pixel coordinates, fractions allowed.
struct Box {
  double left = 0, top = 0, right = 0, bottom = 0;
};

// Lanczos-3, widened by the scale when shrinking so that nothing aliases.
// Precondition: positive sizes, and a box inside the picture.
Image resize(const Image& image, int width, int height);
Image resize(const Image& image, int width, int height, const Box& box);

// The largest centred part with the aspect of width x height, resized to it.
Image fit(const Image& image, int width, int height);

} // namespace burin
