// SPDX-License-Identifier: Apache-2.0
// Composes a scene: background, then subjects, then the look.
#include "models/data/scene.h"

#include <algorithm>
#include <cmath>

namespace burin::data {
namespace {

struct Rgba {
  Rgb colour; // premultiplied
  float alpha;
};

Rgba texel(const Sprite::Level& level, int x, int y) {
  if (x < 0 || y < 0 || x >= level.size || y >= level.size)
    return {{0, 0, 0}, 0};
  const uint8_t* p = &level.rgba[4 * (y * level.size + x)];
  constexpr float kScale = 1 / 255.0f;
  return {{p[0] * kScale, p[1] * kScale, p[2] * kScale}, p[3] * kScale};
}

Rgba mixed(const Rgba& a, const Rgba& b, float t) {
  return {blend(a.colour, b.colour, t), a.alpha + (b.alpha - a.alpha) * t};
}

// Bilinear, `x` and `y` in texels; transparent outside.
Rgba sample(const Sprite::Level& level, float x, float y) {
  float fx = std::floor(x - 0.5f), fy = std::floor(y - 0.5f);
  int ix = static_cast<int>(fx), iy = static_cast<int>(fy);
  float tx = x - 0.5f - fx, ty = y - 0.5f - fy;
  return mixed(
      mixed(texel(level, ix, iy), texel(level, ix + 1, iy), tx),
      mixed(texel(level, ix, iy + 1), texel(level, ix + 1, iy + 1), tx), ty);
}

// The smallest level that still has a texel a pixel, so that bilinear
// sampling neither skips texels nor blurs.
const Sprite::Level& levelFor(const Sprite& sprite, float pixels) {
  const Sprite::Level* best = &sprite.levels.front();
  for (const Sprite::Level& level : sprite.levels)
    if (level.size >= pixels)
      best = &level;
  return *best;
}

// Premultiplied values are linear in the colour, so a tint is too: dark
// parts become the tint's shades, light parts approach white.
Rgba tinted(const Rgba& p, Rgb tint) {
  float light = luminance(p.colour);
  float half = 0.5f * p.alpha;
  Rgb colour = light < half
                   ? tint * (2 * light)
                   : blend(tint * p.alpha, Rgb{1, 1, 1} * p.alpha,
                           0.8f * (light - half) / std::max(half, 1e-6f));
  return {colour, p.alpha};
}

} // namespace

void quantize(const Canvas& canvas, uint8_t* out) {
  auto byte = [](float x) {
    return static_cast<uint8_t>(clamp01(x) * 255 + 0.5f);
  };
  for (const Rgb& p : canvas.pixels) {
    *out++ = byte(p.r);
    *out++ = byte(p.g);
    *out++ = byte(p.b);
  }
}

void paint(const Item& item, const Subject& subject, Canvas& canvas) {
  float side = item.size * canvas.size;
  float left = item.x * canvas.size - side / 2;
  float top = item.y * canvas.size - side / 2;
  const Sprite::Level& level = levelFor(subject.sprite, side);
  float ratio = level.size / side;
  int x0 = std::max(0, static_cast<int>(std::floor(left)) - 1);
  int y0 = std::max(0, static_cast<int>(std::floor(top)) - 1);
  int x1 = std::min(canvas.size, static_cast<int>(std::ceil(left + side)) + 1);
  int y1 = std::min(canvas.size, static_cast<int>(std::ceil(top + side)) + 1);
  for (int y = y0; y < y1; ++y)
    for (int x = x0; x < x1; ++x) {
      float u = (x + 0.5f - left) * ratio, v = (y + 0.5f - top) * ratio;
      if (item.flip)
        u = level.size - u;
      Rgba p = sample(level, u, v);
      if (p.alpha <= 0)
        continue;
      if (item.tint)
        p = tinted(p, *item.tint);
      canvas.at(x, y) = p.colour + canvas.at(x, y) * (1 - p.alpha);
    }
}

void paint(const Scene& scene, const Catalogue& catalogue, Canvas& canvas) {
  paint(scene.background, canvas);
  for (const Item& item : scene.items)
    paint(item, catalogue[item.subject], canvas);
  apply(scene.look, canvas);
}

} // namespace burin::data
