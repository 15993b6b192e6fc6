// SPDX-License-Identifier: Apache-2.0
// The Box-Muller transform of Philox words.
#include "runtime/base/philox.h"

#include <cmath>
#include <numbers>

namespace burin {

std::array<float, 4> philoxNormals(uint64_t seed, uint64_t block) {
  const auto words = philoxWords(seed, block);
  std::array<float, 4> out;
  for (int pair = 0; pair < 2; ++pair) {
    const double u = (words[2 * pair] + 0.5) * 0x1p-32;
    const double v = (words[2 * pair + 1] + 0.5) * 0x1p-32;
    const double radius = std::sqrt(-2 * std::log(u));
    const double angle = 2 * std::numbers::pi * v;
    out[2 * pair] = static_cast<float>(radius * std::cos(angle));
    out[2 * pair + 1] = static_cast<float>(radius * std::sin(angle));
  }
  return out;
}

} // namespace burin
