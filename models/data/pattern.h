// SPDX-License-Identifier: Apache-2.0
// Noise and cells on the integer lattice, the raw material of textures.
#pragma once

#include <cstdint>

namespace burin::data {

// A value in [0, 1) for each lattice point.
float cellValue(uint64_t seed, int x, int y);

// Smoothly interpolated lattice values, `octaves` of them added with halving
// weight and doubling frequency; in [0, 1).
float fractalNoise(uint64_t seed, float x, float y, int octaves);

// Each unit square holds one point at a random place. The nearest to (x, y):
struct Cell {
  float distance;
  float random; // its own value in [0, 1)
};
Cell cellAt(uint64_t seed, float x, float y);

} // namespace burin::data
