// SPDX-License-Identifier: Apache-2.0
// A picture as data: background, subjects with places, and a look over all.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "models/data/background.h"
#include "models/data/canvas.h"
#include "models/data/subjects.h"

namespace burin::data {

// One subject in a picture. Coordinates and size are fractions of the side.
struct Item {
  int subject = 0;          // index into the catalogue
  float x = 0.5f, y = 0.5f; // the centre
  float size = 0.4f;        // side of the square around it
  bool flip = false;
  std::optional<Rgb> tint; // light and shade kept, colour replaced
};

// A style or light over the whole picture.
enum class Look : uint8_t {
  kNone,
  kNight,
  kWarm,
  kCold,
  kGrey,
  kSepia,
  kBlur,
  kBright,
  kDark,
  kContrast,
  kFog,
  kInvert,
  kPixels,
  kPoster,
  kVivid,
  kSnowfall,
  kVignette,
};
inline constexpr int kLooks = 17;

struct Scene {
  Background background;
  std::vector<Item> items; // later ones in front
  Look look = Look::kNone;
};

// Draws `item` over what the canvas holds.
void paint(const Item& item, const Subject& subject, Canvas& canvas);
void apply(Look look, Canvas& canvas);
void paint(const Scene& scene, const Catalogue& catalogue, Canvas& canvas);

} // namespace burin::data
