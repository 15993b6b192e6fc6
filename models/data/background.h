// SPDX-License-Identifier: Apache-2.0
// Procedural backgrounds: what stands behind the subjects of a scene.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "models/data/canvas.h"
#include "models/data/random.h"

namespace burin::data {

enum class BackgroundKind : uint8_t {
  // Those that an instruction can ask for.
  kPlain,
  kSky,
  kMeadow,
  kBeach,
  kSea,
  kStars,
  kDesert,
  kSnow,
  kSunset,
  kWood,
  kBricks,
  kChecker,
  kStripes,
  kDots,
  kCity,
  kForest,
  kMarble,
  // Those that are only seen.
  kGradient,
  kRadial,
  kClouds,
  kBokeh,
  // Those that only the held-out split shows.
  kPlaid,
  kRays,
  kWaves,
  kRings,
  kMosaic,
};
inline constexpr int kNamedBackgrounds = 17;
inline constexpr int kTrainBackgrounds = 21;
inline constexpr int kBackgroundKinds = 26;

// Everything that decides a background's look. Coordinates in the picture run
// from 0 to 1, so the same background can be painted at any size.
struct Background {
  BackgroundKind kind = BackgroundKind::kPlain;
  std::array<Rgb, 3> colours;
  float scale = 1; // of the pattern; 1 is the usual
  float angle = 0; // radians, where the kind has a direction
  float level = 0; // height of the horizon, where the kind has one
  uint64_t seed = 0;
};

// A random member of a kind.
Background drawBackground(BackgroundKind kind, Random& random);
// What an instruction means by the kind's name: always the same picture.
Background namedBackground(BackgroundKind kind);
Background plainBackground(Rgb colour);

void paint(const Background& background, Canvas& canvas);

} // namespace burin::data
