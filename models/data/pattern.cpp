// SPDX-License-Identifier: Apache-2.0
// Lattice noise from a hash of seed and coordinates.
#include "models/data/pattern.h"

#include <cmath>

namespace burin::data {
namespace {

uint32_t latticeBits(uint64_t seed, int x, int y) {
  uint64_t word = seed * 0x9e3779b97f4a7c15u +
                  static_cast<uint32_t>(x) * 0xd6e8feb86659fd93u +
                  static_cast<uint32_t>(y) * 0xa0761d6478bd642fu;
  word ^= word >> 32;
  word *= 0xd6e8feb86659fd93u;
  return static_cast<uint32_t>(word >> 32);
}

float unit(uint32_t bits) {
  return static_cast<float>(bits >> 8) * 0x1p-24f;
}

float smoothNoise(uint64_t seed, float x, float y) {
  float fx = std::floor(x), fy = std::floor(y);
  int ix = static_cast<int>(fx), iy = static_cast<int>(fy);
  float tx = x - fx, ty = y - fy;
  tx = tx * tx * (3 - 2 * tx);
  ty = ty * ty * (3 - 2 * ty);
  float a = cellValue(seed, ix, iy), b = cellValue(seed, ix + 1, iy);
  float c = cellValue(seed, ix, iy + 1), d = cellValue(seed, ix + 1, iy + 1);
  float top = a + (b - a) * tx, bottom = c + (d - c) * tx;
  return top + (bottom - top) * ty;
}

} // namespace

float cellValue(uint64_t seed, int x, int y) {
  return unit(latticeBits(seed, x, y));
}

float fractalNoise(uint64_t seed, float x, float y, int octaves) {
  float sum = 0, weight = 0.5f, total = 0;
  for (int i = 0; i < octaves; ++i) {
    sum += weight * smoothNoise(seed + i, x, y);
    total += weight;
    weight *= 0.5f;
    x *= 2;
    y *= 2;
  }
  return sum / total;
}

Cell cellAt(uint64_t seed, float x, float y) {
  int ix = static_cast<int>(std::floor(x)),
      iy = static_cast<int>(std::floor(y));
  Cell best{8, 0};
  for (int cy = iy - 1; cy <= iy + 1; ++cy)
    for (int cx = ix - 1; cx <= ix + 1; ++cx) {
      uint32_t bits = latticeBits(seed, cx, cy);
      float px = cx + 0.15f + 0.7f * ((bits & 0xffff) / 65536.0f);
      float py = cy + 0.15f + 0.7f * ((bits >> 16) / 65536.0f);
      float square = (px - x) * (px - x) + (py - y) * (py - y);
      if (square < best.distance)
        best = {square, unit(bits * 0x9e3779b1u)};
    }
  best.distance = std::sqrt(best.distance);
  return best;
}

} // namespace burin::data
