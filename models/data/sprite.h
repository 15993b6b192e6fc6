// SPDX-License-Identifier: Apache-2.0
// Reads colour bitmaps out of an emoji font.
#pragma once

#include <memory>
#include <string>

#include "models/data/subjects.h"
#include "runtime/base/status.h"

namespace burin::data {

class SpriteFont {
public:
  static Result<SpriteFont> open(const std::string& path);

  // kNotFound where the font has no picture of this code point.
  Result<Sprite> render(char32_t codePoint);

private:
  struct Face;
  explicit SpriteFont(std::shared_ptr<Face> face) : face_(std::move(face)) {}
  std::shared_ptr<Face> face_;
};

} // namespace burin::data
