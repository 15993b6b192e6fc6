// SPDX-License-Identifier: Apache-2.0
// Philox words through the Box-Muller transform, in double so that the last
// bit of the result does not depend on a mathematics library.
#include "kernels/cpu/random_normal/random_normal.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "kernels/cpu/contracts.h"

namespace burin::kernels {
namespace {

constexpr int64_t kItemElements = 4096;

// Elements 4 * block .. 4 * block + 3 of the stream.
std::array<float, 4> normals(uint64_t seed, uint64_t block) {
  const auto words = philox4x32(
      {static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32), 0, 0},
      {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)});
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

} // namespace

std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> c,
                                   std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53} * c[0];
    const uint64_t p1 = uint64_t{0xCD9E8D57} * c[2];
    c = {static_cast<uint32_t>(p1 >> 32) ^ c[1] ^ key[0],
         static_cast<uint32_t>(p1),
         static_cast<uint32_t>(p0 >> 32) ^ c[3] ^ key[1],
         static_cast<uint32_t>(p0)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return c;
}

std::string_view checkRandomNormal(std::span<const int64_t> params) {
  if (params[kRandomCount] < 1)
    return "random_normal needs at least one element";
  return {};
}

int64_t randomNormalItems(std::span<const int64_t> params) {
  return (params[kRandomCount] - 1) / kItemElements + 1;
}

void randomNormal(const CallArgs& args, int64_t begin, int64_t end) {
  const auto* stream = static_cast<const int64_t*>(args.slices[0].data);
  const auto seed = static_cast<uint64_t>(stream[0]);
  const auto offset = static_cast<uint64_t>(stream[1]);
  auto* out = static_cast<float*>(args.slices[1].data);
  const int64_t last = std::min(args.params[kRandomCount], end * kItemElements);
  for (int64_t i = begin * kItemElements; i < last; i += 4) {
    const auto four = normals(seed, offset + static_cast<uint64_t>(i) / 4);
    std::copy_n(four.begin(), std::min<int64_t>(4, last - i), out + i);
  }
}

} // namespace burin::kernels
