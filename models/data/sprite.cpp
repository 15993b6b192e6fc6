// SPDX-License-Identifier: Apache-2.0
// FreeType decodes the font's bitmaps; here they are cropped and halved.
#include "models/data/sprite.h"

#include <algorithm>
#include <cstring>

#include <ft2build.h>
#include FT_FREETYPE_H

namespace burin::data {

struct SpriteFont::Face {
  FT_Library library = nullptr;
  FT_Face face = nullptr;
  std::string path;

  ~Face() {
    if (face)
      FT_Done_Face(face);
    if (library)
      FT_Done_FreeType(library);
  }
};

namespace {

constexpr int kSmallestLevel = 8;

struct Box {
  int left, top, right, bottom; // right and bottom are exclusive
};

Box visibleBox(const FT_Bitmap& bitmap) {
  Box box = {static_cast<int>(bitmap.width), static_cast<int>(bitmap.rows), 0,
             0};
  for (int y = 0; y < static_cast<int>(bitmap.rows); ++y)
    for (int x = 0; x < static_cast<int>(bitmap.width); ++x)
      if (bitmap.buffer[y * bitmap.pitch + 4 * x + 3] != 0)
        box = {std::min(box.left, x), std::min(box.top, y),
               std::max(box.right, x + 1), std::max(box.bottom, y + 1)};
  return box;
}

// The visible part, centred in the smallest even square around it, BGRA
// turned to RGBA.
Sprite::Level cropToSquare(const FT_Bitmap& bitmap, Box box) {
  int width = box.right - box.left, height = box.bottom - box.top;
  int size = (std::max(width, height) + 1) & ~1;
  Sprite::Level level{size, std::vector<uint8_t>(4 * size * size)};
  int dx = (size - width) / 2, dy = (size - height) / 2;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const uint8_t* from =
          bitmap.buffer + (box.top + y) * bitmap.pitch + 4 * (box.left + x);
      uint8_t* to = &level.rgba[4 * ((y + dy) * size + x + dx)];
      to[0] = from[2];
      to[1] = from[1];
      to[2] = from[0];
      to[3] = from[3];
    }
  return level;
}

// The mean of each 2x2 block; an odd last row or column repeats.
Sprite::Level halve(const Sprite::Level& level) {
  int size = (level.size + 1) / 2;
  Sprite::Level half{size, std::vector<uint8_t>(4 * size * size)};
  auto at = [&](int x, int y, int c) -> int {
    x = std::min(x, level.size - 1);
    y = std::min(y, level.size - 1);
    return level.rgba[4 * (y * level.size + x) + c];
  };
  for (int y = 0; y < size; ++y)
    for (int x = 0; x < size; ++x)
      for (int c = 0; c < 4; ++c)
        half.rgba[4 * (y * size + x) + c] = static_cast<uint8_t>(
            (at(2 * x, 2 * y, c) + at(2 * x + 1, 2 * y, c) +
             at(2 * x, 2 * y + 1, c) + at(2 * x + 1, 2 * y + 1, c) + 2) /
            4);
  return half;
}

} // namespace

Result<SpriteFont> SpriteFont::open(const std::string& path) {
  auto face = std::make_shared<Face>();
  face->path = path;
  if (FT_Init_FreeType(&face->library))
    return internalError("FreeType does not start");
  if (FT_New_Face(face->library, path.c_str(), 0, &face->face))
    return notFound("cannot open the font '" + path +
                    "'; install the Debian package fonts-noto-color-emoji or "
                    "name the file with --font");
  if (face->face->num_fixed_sizes < 1 || FT_Select_Size(face->face, 0))
    return invalidArgument("the font '" + path +
                           "' has no colour bitmaps; use NotoColorEmoji.ttf "
                           "of fonts-noto-color-emoji");
  return SpriteFont(std::move(face));
}

Result<Sprite> SpriteFont::render(char32_t codePoint) {
  FT_Face face = face_->face;
  FT_UInt glyph = FT_Get_Char_Index(face, codePoint);
  if (glyph == 0)
    return notFound("no such glyph");
  if (FT_Load_Glyph(face, glyph, FT_LOAD_COLOR))
    return dataLoss("glyph " + std::to_string(glyph) + " of the font '" +
                    face_->path + "' cannot be decoded; reinstall the font");
  const FT_Bitmap& bitmap = face->glyph->bitmap;
  if (bitmap.pixel_mode != FT_PIXEL_MODE_BGRA)
    return notFound("no colour bitmap");
  Box box = visibleBox(bitmap);
  if (box.right <= box.left)
    return notFound("empty glyph");

  Sprite sprite;
  sprite.levels.push_back(cropToSquare(bitmap, box));
  while (sprite.levels.back().size > kSmallestLevel)
    sprite.levels.push_back(halve(sprite.levels.back()));
  return sprite;
}

} // namespace burin::data
