// SPDX-License-Identifier: Apache-2.0
// Counter-based random numbers: the same on every device, in any order.
#pragma once

#include <array>
#include <cstdint>

namespace burin {

// Philox4x32-10: four random words from a counter and a key (Salmon et al.,
// "Parallel random numbers: as easy as 1, 2, 3", 2011). A round is
//   (c0, c1, c2, c3) <- (hi(M1 c2) ^ c1 ^ k0, lo(M1 c2),
//                        hi(M0 c0) ^ c3 ^ k1, lo(M0 c0)),
// and then the key moves on by the Weyl constants.
constexpr std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> c,
                                             std::array<uint32_t, 2> key) {
  constexpr int kRounds = 10;
  constexpr uint64_t kMultiplier0 = 0xD2511F53, kMultiplier1 = 0xCD9E8D57;
  constexpr uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;
  for (int round = 0; round < kRounds; ++round) {
    uint64_t p0 = kMultiplier0 * c[0];
    uint64_t p1 = kMultiplier1 * c[2];
    c = {static_cast<uint32_t>(p1 >> 32) ^ c[1] ^ key[0],
         static_cast<uint32_t>(p1),
         static_cast<uint32_t>(p0 >> 32) ^ c[3] ^ key[1],
         static_cast<uint32_t>(p0)};
    key[0] += kWeyl0;
    key[1] += kWeyl1;
  }
  return c;
}

// The words at position `counter` of stream `stream` under `seed`.
constexpr std::array<uint32_t, 4> philoxWords(uint64_t seed, uint64_t counter,
                                              uint64_t stream = 0) {
  return philox4x32(
      {static_cast<uint32_t>(counter), static_cast<uint32_t>(counter >> 32),
       static_cast<uint32_t>(stream), static_cast<uint32_t>(stream >> 32)},
      {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)});
}

// Standard normals 4 * block .. 4 * block + 3 under `seed`: with the words
// r0..r3 at `block` and u_j = (r_j + 1/2) / 2^32,
//   R cos(T), R sin(T) with R = sqrt(-2 ln u0), T = 2 pi u1,
// and the same with u2 and u3; in double, rounded at the end, so that the last
// bit hardly ever depends on a mathematics library.
std::array<float, 4> philoxNormals(uint64_t seed, uint64_t block);

} // namespace burin
