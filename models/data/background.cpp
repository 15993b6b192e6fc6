// SPDX-License-Identifier: Apache-2.0
// One shading function a kind of background: colour as a function of place.
#include "models/data/background.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "models/data/pattern.h"

namespace burin::data {
namespace {

constexpr float kTau = 2 * std::numbers::pi_v<float>;

// A place in the picture and what every shader needs there.
struct Spot {
  const Background& b;
  float u, v;  // in [0, 1], v downwards
  float s, t;  // u, v about the centre, turned by the angle and scaled
  float pixel; // a pixel's extent in u

  Rgb colour(int i) const { return b.colours[i]; }
  // 0 before `edge`, 1 after it, softened over a pixel.
  float step(float edge, float x) const {
    return clamp01((x - edge) / pixel + 0.5f);
  }
  // Value noise in [0, 1] with features about 1/frequency wide.
  float noise(float frequency, int octaves = 3) const {
    return fractalNoise(b.seed, u * frequency, v * frequency, octaves);
  }
};

Rgb shadePlain(const Spot& p) {
  return p.colour(0);
}

Rgb shadeSky(const Spot& p) {
  Rgb sky = blend(p.colour(0), p.colour(1), p.v);
  float cloud =
      smoothstep(0.52f, 0.8f, fractalNoise(p.b.seed, p.u * 3, p.v * 6, 3));
  return blend(sky, {1, 1, 1}, 0.7f * cloud);
}

// Sky above the horizon, a textured ground below.
Rgb shadeGround(const Spot& p, float texture, float frequency) {
  float line = p.b.level + 0.03f * std::sin(p.u * 5 + p.b.angle);
  Rgb sky = blend(p.colour(0), p.colour(1), p.v / std::max(p.b.level, 0.1f));
  float depth = (p.v - line) / (1 - p.b.level);
  Rgb ground = p.colour(2) *
               (1.05f - 0.25f * depth + texture * (p.noise(frequency) - 0.5f));
  return blend(sky, ground, p.step(line, p.v));
}

Rgb shadeMeadow(const Spot& p) {
  return shadeGround(p, 0.5f, 14);
}
Rgb shadeSnow(const Spot& p) {
  return shadeGround(p, 0.12f, 5);
}

Rgb shadeDesert(const Spot& p) {
  float dune = 0.06f * std::sin(p.u * 7 + p.b.angle) +
               0.03f * std::sin(p.u * 13 + 2 * p.b.angle);
  Rgb above = shadeGround(p, 0.15f, 6);
  float front = p.step(p.b.level + 0.22f + dune, p.v);
  return blend(above, p.colour(2) * 0.85f, front);
}

Rgb shadeSea(const Spot& p) {
  Rgb sky = blend(p.colour(0), p.colour(1), p.v / std::max(p.b.level, 0.1f));
  float depth = std::max(p.v - p.b.level, 0.0f) / (1 - p.b.level);
  // Waves shrink towards the horizon.
  float wave = fractalNoise(p.b.seed, p.u * 6, 10 / (depth + 0.3f), 2);
  Rgb water = p.colour(2) * (0.75f + 0.5f * wave);
  return blend(sky, water, p.step(p.b.level, p.v));
}

Rgb shadeBeach(const Spot& p) {
  float shore = p.b.level + 0.3f + 0.03f * std::sin(p.u * 9 + p.b.angle);
  Rgb sand = Rgb{0.93f, 0.83f, 0.6f} * (0.92f + 0.16f * p.noise(12));
  Rgb foam =
      blend(shadeSea(p), {1, 1, 1}, smoothstep(shore - 0.05f, shore, p.v));
  return blend(foam, sand, p.step(shore, p.v));
}

Rgb shadeStars(const Spot& p) {
  Rgb sky = blend(p.colour(0), p.colour(1), p.v * (0.6f + 0.4f * p.noise(3)));
  float cells = 9 / p.b.scale;
  Cell cell = cellAt(p.b.seed, p.u * cells, p.v * cells);
  float glow = smoothstep(0.22f * cell.random, 0, cell.distance);
  return blend(sky, {1, 1, 0.9f}, glow * (cell.random > 0.35f));
}

Rgb shadeSunset(const Spot& p) {
  Rgb sky = p.v < p.b.level ? blend(p.colour(0), p.colour(1), p.v / p.b.level)
                            : p.colour(2) * (1 - 0.5f * (p.v - p.b.level));
  float dx = p.u - 0.5f, dy = p.v - p.b.level;
  float sun = p.step(std::sqrt(dx * dx + dy * dy), 0.13f) * (p.v < p.b.level);
  return blend(sky, {1, 0.93f, 0.6f}, sun);
}

Rgb shadeWood(const Spot& p) {
  float planks = 5 / p.b.scale, row = p.v * planks;
  float plank = std::floor(row);
  uint64_t seed = p.b.seed + static_cast<uint64_t>(plank);
  float grain = fractalNoise(seed, p.u * 3, p.v * 40, 2);
  Rgb wood = blend(p.colour(0), p.colour(1), grain);
  float gap = std::min(row - plank, plank + 1 - row) / planks;
  return wood * (0.55f + 0.45f * smoothstep(0, 0.012f, gap));
}

Rgb shadeBricks(const Spot& p) {
  float rows = 8 / p.b.scale, row = std::floor(p.v * rows);
  float x = p.u * rows / 2 + (std::fmod(row, 2.0f) != 0 ? 0.5f : 0);
  float column = std::floor(x);
  float shade =
      cellValue(p.b.seed, static_cast<int>(column), static_cast<int>(row));
  float dx = std::min(x - column, column + 1 - x) * 2 / rows;
  float dy = std::min(p.v * rows - row, row + 1 - p.v * rows) / rows;
  float brick = smoothstep(0.004f, 0.014f, std::min(dx, dy));
  return blend(p.colour(1), p.colour(0) * (0.8f + 0.35f * shade), brick);
}

// A square wave of period 1 with softened edges: 0 or 1.
float square(float x, float soft) {
  float phase = x - std::floor(x);
  return clamp01((0.25f - std::fabs(phase - 0.5f)) / soft + 0.5f);
}

Rgb shadeChecker(const Spot& p) {
  float f = 3 / p.b.scale, soft = f * p.pixel;
  float a = square(p.s * f, soft), b = square(p.t * f, soft);
  return blend(p.colour(0), p.colour(1), a + b - 2 * a * b);
}

Rgb shadeStripes(const Spot& p) {
  float f = 5 / p.b.scale;
  return blend(p.colour(0), p.colour(1), square(p.s * f, f * p.pixel));
}

Rgb shadeDots(const Spot& p) {
  float f = 6 / p.b.scale;
  float x = p.s * f - std::floor(p.s * f) - 0.5f;
  float y = p.t * f - std::floor(p.t * f) - 0.5f;
  float inside =
      clamp01((0.28f - std::sqrt(x * x + y * y)) / (f * p.pixel) + 0.5f);
  return blend(p.colour(0), p.colour(1), inside);
}

Rgb shadeCity(const Spot& p) {
  Rgb sky = blend(p.colour(0), p.colour(1), p.v);
  float width = 9 / p.b.scale, column = std::floor(p.u * width);
  float height =
      0.25f + 0.45f * cellValue(p.b.seed, static_cast<int>(column), 0);
  float top = 1 - height;
  float wx = p.u * width * 3, wy = p.v * 24;
  bool lit =
      cellValue(p.b.seed, static_cast<int>(wx), static_cast<int>(wy)) > 0.6f;
  float pane = lit && wx - std::floor(wx) > 0.35f &&
               wy - std::floor(wy) > 0.4f && p.v > top + 0.03f;
  Rgb house = blend(p.colour(2), {1, 0.85f, 0.45f}, 0.8f * pane);
  return blend(sky, house, p.step(top, p.v));
}

Rgb shadeForest(const Spot& p) {
  Rgb result = blend(p.colour(0), p.colour(1), p.v);
  // Three rows of firs, the nearest the darkest and tallest.
  for (int row = 0; row < 3; ++row) {
    float count = (9 - 2 * row) / p.b.scale;
    float x = p.u * count + 0.37f * row, tree = std::floor(x);
    float random = cellValue(p.b.seed + row, static_cast<int>(tree), 7);
    float top = 0.3f + 0.15f * row + 0.15f * random;
    float half = 0.55f * (p.v - top) / (0.85f - 0.1f * row);
    float inside = clamp01(
        (half - std::fabs(x - tree - 0.5f) / count * 3) / (3 * p.pixel) + 0.5f);
    if (p.v > top)
      result = blend(result, p.colour(2) * (1.1f - 0.3f * row), inside);
  }
  return result;
}

Rgb shadeMarble(const Spot& p) {
  float vein = std::sin((p.s * 2 + 1.5f * p.noise(4)) * kTau / p.b.scale);
  return blend(p.colour(1), p.colour(0), std::pow(std::fabs(vein), 0.4f));
}

Rgb shadeGradient(const Spot& p) {
  return blend(p.colour(0), p.colour(1), clamp01(p.s * p.b.scale + 0.5f));
}

Rgb shadeRadial(const Spot& p) {
  return blend(p.colour(0), p.colour(1),
               clamp01(1.4f * std::sqrt(p.s * p.s + p.t * p.t)));
}

Rgb shadeClouds(const Spot& p) {
  float n = p.noise(5 / p.b.scale);
  return blend(blend(p.colour(0), p.colour(1), smoothstep(0.25f, 0.6f, n)),
               p.colour(2), smoothstep(0.55f, 0.85f, n));
}

Rgb shadeBokeh(const Spot& p) {
  Rgb result = blend(p.colour(0), p.colour(0) * 0.6f, p.v);
  for (int layer = 0; layer < 2; ++layer) {
    float cells = (4 + 2 * layer) / p.b.scale;
    Cell cell = cellAt(p.b.seed + layer, p.u * cells, p.v * cells);
    float disc = smoothstep(0.42f, 0.36f, cell.distance);
    result = blend(result, p.colour(1 + layer), disc * 0.65f * cell.random);
  }
  return result;
}

Rgb shadePlaid(const Spot& p) {
  float f = 4 / p.b.scale, soft = f * p.pixel;
  Rgb warp = blend(p.colour(0), p.colour(1), 0.5f * square(p.s * f, soft));
  return blend(warp, p.colour(2), 0.5f * square(p.t * f, soft));
}

Rgb shadeRays(const Spot& p) {
  float turn = std::atan2(p.t, p.s) / kTau * 10;
  float radius = std::sqrt(p.s * p.s + p.t * p.t) + 1e-3f;
  return blend(p.colour(0), p.colour(1), square(turn, 1.6f * p.pixel / radius));
}

Rgb shadeWaves(const Spot& p) {
  float f = 4 / p.b.scale;
  float bend = 0.25f * std::sin(p.t * kTau * 1.5f);
  return blend(p.colour(0), p.colour(1), square(p.s * f + bend, f * p.pixel));
}

Rgb shadeRings(const Spot& p) {
  float f = 6 / p.b.scale;
  float radius = std::sqrt(p.s * p.s + p.t * p.t);
  return blend(p.colour(0), p.colour(1), square(radius * f, f * p.pixel));
}

Rgb shadeMosaic(const Spot& p) {
  float f = 7 / p.b.scale;
  Cell cell = cellAt(p.b.seed, p.u * f, p.v * f);
  return p.colour(std::min(2, static_cast<int>(3 * cell.random)));
}

using Shader = Rgb (*)(const Spot&);
// In the order of BackgroundKind.
constexpr Shader kShaders[kBackgroundKinds] = {
    shadePlain,  shadeSky,     shadeMeadow,   shadeBeach,  shadeSea,
    shadeStars,  shadeDesert,  shadeSnow,     shadeSunset, shadeWood,
    shadeBricks, shadeChecker, shadeStripes,  shadeDots,   shadeCity,
    shadeForest, shadeMarble,  shadeGradient, shadeRadial, shadeClouds,
    shadeBokeh,  shadePlaid,   shadeRays,     shadeWaves,  shadeRings,
    shadeMosaic};

struct Palette {
  std::array<Rgb, 3> colours;
  float level; // of the horizon
};

// What the kinds with a name look like when nothing is varied.
constexpr Palette kPalettes[kNamedBackgrounds] = {
    {{{{0.6f, 0.6f, 0.6f}}}, 0},
    {{{{0.30f, 0.58f, 0.92f}, {0.72f, 0.87f, 0.98f}}}, 0},
    {{{{0.45f, 0.70f, 0.95f}, {0.80f, 0.91f, 0.98f}, {0.36f, 0.66f, 0.24f}}},
     0.45f},
    {{{{0.40f, 0.72f, 0.95f}, {0.85f, 0.94f, 0.99f}, {0.15f, 0.60f, 0.75f}}},
     0.35f},
    {{{{0.50f, 0.75f, 0.95f}, {0.85f, 0.93f, 0.98f}, {0.08f, 0.38f, 0.65f}}},
     0.4f},
    {{{{0.02f, 0.03f, 0.12f}, {0.14f, 0.10f, 0.32f}}}, 0},
    {{{{0.40f, 0.68f, 0.92f}, {0.93f, 0.88f, 0.75f}, {0.90f, 0.70f, 0.40f}}},
     0.5f},
    {{{{0.62f, 0.75f, 0.88f}, {0.88f, 0.92f, 0.96f}, {0.94f, 0.96f, 1.00f}}},
     0.5f},
    {{{{0.35f, 0.15f, 0.45f}, {1.00f, 0.55f, 0.25f}, {0.30f, 0.15f, 0.30f}}},
     0.7f},
    {{{{0.62f, 0.40f, 0.20f}, {0.45f, 0.27f, 0.12f}}}, 0},
    {{{{0.68f, 0.28f, 0.20f}, {0.80f, 0.76f, 0.70f}}}, 0},
    {{{{0.95f, 0.95f, 0.95f}, {0.15f, 0.15f, 0.15f}}}, 0},
    {{{{0.95f, 0.95f, 0.95f}, {0.85f, 0.25f, 0.25f}}}, 0},
    {{{{0.98f, 0.85f, 0.88f}, {0.90f, 0.35f, 0.50f}}}, 0},
    {{{{0.20f, 0.20f, 0.45f}, {0.95f, 0.60f, 0.45f}, {0.12f, 0.12f, 0.20f}}},
     0},
    {{{{0.70f, 0.85f, 0.92f}, {0.90f, 0.95f, 0.90f}, {0.12f, 0.38f, 0.20f}}},
     0},
    {{{{0.93f, 0.93f, 0.92f}, {0.55f, 0.56f, 0.60f}}}, 0},
};

Rgb randomColour(Random& random) {
  float hue = random.uniform(0, 6);
  auto channel = [&](float shift) {
    return clamp01(std::fabs(std::fmod(hue + shift, 6.0f) - 3) - 1);
  };
  Rgb pure = {channel(0), channel(4), channel(2)};
  float saturation = random.uniform(0.1f, 0.9f);
  float value = random.uniform(0.25f, 1);
  return blend({1, 1, 1}, pure, saturation) * value;
}

Rgb vary(Rgb colour, Random& random) {
  float light = random.uniform(0.8f, 1.15f);
  auto channel = [&](float x) {
    return clamp01(x * light + random.uniform(-0.08f, 0.08f));
  };
  float r = channel(colour.r), g = channel(colour.g);
  return {r, g, channel(colour.b)};
}

} // namespace

Background namedBackground(BackgroundKind kind) {
  const Palette& palette = kPalettes[static_cast<int>(kind)];
  return {kind, palette.colours, 1, 0, palette.level, 0};
}

Background plainBackground(Rgb colour) {
  return {BackgroundKind::kPlain, {colour, colour, colour}, 1, 0, 0, 0};
}

Background drawBackground(BackgroundKind kind, Random& random) {
  Background b;
  b.kind = kind;
  bool scenery =
      static_cast<int>(kind) < kNamedBackgrounds &&
      kind != BackgroundKind::kPlain && kind != BackgroundKind::kChecker &&
      kind != BackgroundKind::kStripes && kind != BackgroundKind::kDots;
  if (scenery)
    b = namedBackground(kind);
  for (Rgb& colour : b.colours)
    colour = scenery ? vary(colour, random) : randomColour(random);
  b.scale = random.uniform(0.75f, 1.5f);
  b.angle = random.uniform(0, kTau);
  if (b.level > 0)
    b.level += random.uniform(-0.1f, 0.1f);
  b.seed = random.bits();
  return b;
}

void paint(const Background& b, Canvas& canvas) {
  Shader shader = kShaders[static_cast<int>(b.kind)];
  float pixel = 1.0f / canvas.size;
  float cosine = std::cos(b.angle), sine = std::sin(b.angle);
  for (int y = 0; y < canvas.size; ++y)
    for (int x = 0; x < canvas.size; ++x) {
      float u = (x + 0.5f) * pixel, v = (y + 0.5f) * pixel;
      float dx = u - 0.5f, dy = v - 0.5f;
      canvas.at(x, y) = shader(Spot{b, u, v, cosine * dx + sine * dy,
                                    cosine * dy - sine * dx, pixel});
    }
}

} // namespace burin::data
