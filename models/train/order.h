// SPDX-License-Identifier: Apache-2.0
// In which order examples come: a fresh permutation each epoch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace burin::train {

// Streams of random words under a training's seed, so that none is used twice.
enum class RandomStream : uint64_t { kOrder = 1, kRow = 2, kInitial = 3 };
// `number` tells streams of a kind apart; it is below 2^56.
constexpr uint64_t streamOf(RandomStream kind, uint64_t number) {
  return static_cast<uint64_t>(kind) << 56 | number;
}

// The infinite sequence of epochs; what comes at a position depends on seed,
// count and position alone.
class Order {
public:
  Order(uint64_t seed, size_t count) : seed_(seed), count_(count) {}

  // Precondition: count > 0. Cheap as long as the epoch stays the same.
  size_t at(int64_t position);

private:
  void shuffle(int64_t epoch);

  uint64_t seed_;
  size_t count_;
  int64_t epoch_ = -1;
  std::vector<uint32_t> permutation_; // of epoch_
};

} // namespace burin::train
