// SPDX-License-Identifier: Apache-2.0
// The float picture that backgrounds, subjects and looks are painted on.
#pragma once

#include <cstdint>
#include <vector>

namespace burin::data {

struct Rgb {
  float r = 0, g = 0, b = 0;

  friend constexpr Rgb operator+(Rgb a, Rgb b) {
    return {a.r + b.r, a.g + b.g, a.b + b.b};
  }
  friend constexpr Rgb operator*(Rgb a, float s) {
    return {a.r * s, a.g * s, a.b * s};
  }
  friend constexpr Rgb operator*(Rgb a, Rgb b) {
    return {a.r * b.r, a.g * b.g, a.b * b.b};
  }
};

constexpr Rgb blend(Rgb from, Rgb to, float t) {
  return from * (1 - t) + to * t;
}
// Rec. 601 weights.
constexpr float luminance(Rgb c) {
  return 0.299f * c.r + 0.587f * c.g + 0.114f * c.b;
}
constexpr float clamp01(float x) {
  return x < 0 ? 0 : x > 1 ? 1 : x;
}
// 0 below `low`, 1 above `high`, a smooth cubic between.
constexpr float smoothstep(float low, float high, float x) {
  float t = clamp01((x - low) / (high - low));
  return t * t * (3 - 2 * t);
}

// A square picture, row by row, values nominally in [0, 1].
struct Canvas {
  explicit Canvas(int size)
      : size(size), pixels(static_cast<size_t>(size) * size) {}

  Rgb& at(int x, int y) { return pixels[static_cast<size_t>(y) * size + x]; }
  const Rgb& at(int x, int y) const {
    return pixels[static_cast<size_t>(y) * size + x];
  }

  int size;
  std::vector<Rgb> pixels;
};

// Clamped and rounded to interleaved RGB bytes; `out` holds 3 * size * size.
void quantize(const Canvas& canvas, uint8_t* out);

} // namespace burin::data
