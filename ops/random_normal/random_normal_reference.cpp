// SPDX-License-Identifier: Apache-2.0
// The oracle of normal numbers: Philox4x32-10 (Salmon et al., 2011) and the
// Box-Muller transform. Four elements come from block offset + i / 4.
#include "ops/reference.h"

#include <array>
#include <cmath>
#include <numbers>

namespace burin::reference::random_normal {

using Words = std::array<uint32_t, 4>;

static Words philox(uint64_t counter, uint64_t key) {
  auto low = static_cast<uint32_t>(key);
  auto high = static_cast<uint32_t>(key >> 32);
  Words c{static_cast<uint32_t>(counter), static_cast<uint32_t>(counter >> 32),
          0, 0};
  for (int round = 0; round < 10; ++round) {
    uint64_t a = uint64_t{c[0]} * 0xD2511F53, b = uint64_t{c[2]} * 0xCD9E8D57;
    c = {static_cast<uint32_t>(b >> 32) ^ c[1] ^ low, static_cast<uint32_t>(b),
         static_cast<uint32_t>(a >> 32) ^ c[3] ^ high,
         static_cast<uint32_t>(a)};
    low += 0x9E3779B9;
    high += 0xBB67AE85;
  }
  return c;
}

std::vector<ReferenceTensor> compute(const ReferenceProperties& p,
                                     std::span<const ReferenceTensor> in) {
  auto seed = static_cast<uint64_t>(static_cast<int64_t>(in[0].values[0]));
  auto offset = static_cast<uint64_t>(static_cast<int64_t>(in[0].values[1]));
  ReferenceTensor y(p.list("shape"));
  for (int64_t i = 0; i < y.count(); ++i) {
    Words words = philox(offset + i / 4, seed);
    int64_t first = i % 4 / 2 * 2; // of the pair that makes two normals
    double u = (words[first] + 0.5) / 0x1p32;
    double angle = 2 * std::numbers::pi * (words[first + 1] + 0.5) / 0x1p32;
    double wave = i % 2 == 0 ? std::cos(angle) : std::sin(angle);
    y.values[i] = std::sqrt(-2 * std::log(u)) * wave;
  }
  return {y};
}

} // namespace burin::reference::random_normal
