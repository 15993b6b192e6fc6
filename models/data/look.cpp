// SPDX-License-Identifier: Apache-2.0
// Looks: what is done to a whole picture after it has been composed.
#include "models/data/scene.h"

#include <algorithm>
#include <cmath>

#include "models/data/pattern.h"

namespace burin::data {
namespace {

template <typename Function>
void eachPixel(Canvas& canvas, Function function) {
  for (Rgb& p : canvas.pixels)
    p = function(Rgb{clamp01(p.r), clamp01(p.g), clamp01(p.b)});
}

Rgb grey(Rgb p) {
  float l = luminance(p);
  return {l, l, l};
}

// Values around the middle are spread by `gain`.
Rgb contrast(Rgb p, float gain) {
  return p * gain + Rgb{1, 1, 1} * (0.5f - 0.5f * gain);
}

// Two passes of a Gaussian with a deviation of 1.8 % of the side.
void blur(Canvas& canvas) {
  float sigma = 0.018f * canvas.size;
  int radius = static_cast<int>(std::ceil(2.5f * sigma));
  std::vector<float> weights;
  float total = 0;
  for (int i = -radius; i <= radius; ++i) {
    weights.push_back(std::exp(-0.5f * i * i / (sigma * sigma)));
    total += weights.back();
  }
  for (bool horizontal : {true, false}) {
    Canvas source = canvas;
    for (int y = 0; y < canvas.size; ++y)
      for (int x = 0; x < canvas.size; ++x) {
        Rgb sum;
        for (int i = -radius; i <= radius; ++i) {
          int sx = std::clamp(horizontal ? x + i : x, 0, canvas.size - 1);
          int sy = std::clamp(horizontal ? y : y + i, 0, canvas.size - 1);
          sum = sum + source.at(sx, sy) * (weights[i + radius] / total);
        }
        canvas.at(x, y) = sum;
      }
  }
}

// Blocks of a sixteenth of the side.
void pixelate(Canvas& canvas) {
  constexpr int kBlocks = 16;
  auto start = [&](int block) { return block * canvas.size / kBlocks; };
  for (int by = 0; by < kBlocks; ++by)
    for (int bx = 0; bx < kBlocks; ++bx) {
      Rgb sum;
      int count = 0;
      for (int y = start(by); y < start(by + 1); ++y)
        for (int x = start(bx); x < start(bx + 1); ++x, ++count)
          sum = sum + canvas.at(x, y);
      for (int y = start(by); y < start(by + 1); ++y)
        for (int x = start(bx); x < start(bx + 1); ++x)
          canvas.at(x, y) = sum * (1.0f / static_cast<float>(count));
    }
}

void snowfall(Canvas& canvas) {
  constexpr float kCells = 9;
  constexpr uint64_t kSeed = 77;
  for (int y = 0; y < canvas.size; ++y)
    for (int x = 0; x < canvas.size; ++x) {
      Cell cell = cellAt(kSeed, kCells * (x + 0.5f) / canvas.size,
                         kCells * (y + 0.5f) / canvas.size);
      float flake =
          smoothstep(0.12f + 0.12f * cell.random, 0.04f, cell.distance);
      canvas.at(x, y) = blend(canvas.at(x, y), {1, 1, 1}, 0.95f * flake);
    }
}

void vignette(Canvas& canvas) {
  for (int y = 0; y < canvas.size; ++y)
    for (int x = 0; x < canvas.size; ++x) {
      float dx = (x + 0.5f) / canvas.size - 0.5f;
      float dy = (y + 0.5f) / canvas.size - 0.5f;
      float radius = std::sqrt(dx * dx + dy * dy);
      canvas.at(x, y) =
          canvas.at(x, y) * (1 - 0.85f * smoothstep(0.28f, 0.68f, radius));
    }
}

Rgb recoloured(Look look, Rgb p) {
  switch (look) {
  case Look::kNight:
    return blend(p, grey(p), 0.4f) * Rgb{0.22f, 0.28f, 0.5f};
  case Look::kWarm:
    return p * Rgb{1.15f, 0.92f, 0.62f} + Rgb{0.06f, 0.02f, 0};
  case Look::kCold:
    return p * Rgb{0.68f, 0.9f, 1.1f} + Rgb{0, 0.02f, 0.08f};
  case Look::kGrey:
    return grey(p);
  case Look::kSepia:
    return Rgb{1.1f, 0.88f, 0.65f} * luminance(p);
  case Look::kBright:
    return p * 0.75f + Rgb{0.3f, 0.3f, 0.3f};
  case Look::kDark:
    return p * 0.5f;
  case Look::kContrast:
    return contrast(p, 1.8f);
  case Look::kFog:
    return blend(p, {0.82f, 0.84f, 0.86f}, 0.6f);
  case Look::kInvert:
    return Rgb{1, 1, 1} + p * -1.0f;
  case Look::kPoster: {
    auto level = [](float x) { return std::floor(x * 2.999f + 0.5f) / 3; };
    return {level(p.r), level(p.g), level(p.b)};
  }
  case Look::kVivid:
    return blend(grey(p), p, 1.9f);
  default:
    return p;
  }
}

} // namespace

void apply(Look look, Canvas& canvas) {
  switch (look) {
  case Look::kNone:
    return;
  case Look::kBlur:
    return blur(canvas);
  case Look::kPixels:
    return pixelate(canvas);
  case Look::kSnowfall:
    return snowfall(canvas);
  case Look::kVignette:
    return vignette(canvas);
  default:
    return eachPixel(canvas, [&](Rgb p) { return recoloured(look, p); });
  }
}

} // namespace burin::data
