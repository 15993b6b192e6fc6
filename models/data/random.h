// SPDX-License-Identifier: Apache-2.0
// Counter-based randomness, so that any example can be made on its own.
//
// Value n of a stream is mix(key + n * odd constant) (SplitMix64 read as a
// counter): it depends on the key and n alone, never on what other streams
// drew. Keys come from hash() of whatever names the stream, such as the seed,
// the split and the example's index.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

namespace burin::data {

// A bijection of 64 bits whose every output bit depends on every input bit.
constexpr uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

constexpr uint64_t hash(std::initializer_list<uint64_t> words) {
  uint64_t state = 0;
  for (uint64_t word : words)
    state = mix(state + 0x9e3779b97f4a7c15u + word);
  return state;
}

constexpr uint64_t hash(std::string_view text) {
  uint64_t state = text.size();
  for (char c : text)
    state = mix(state + 0x9e3779b97f4a7c15u + static_cast<unsigned char>(c));
  return state;
}

class Random {
public:
  explicit constexpr Random(uint64_t key) : key_(key) {}

  constexpr uint64_t bits() {
    return mix(key_ + ++counter_ * 0x9e3779b97f4a7c15u);
  }
  // In [0, 1), a multiple of 2^-24.
  constexpr float uniform() {
    return static_cast<float>(bits() >> 40) * 0x1p-24f;
  }
  constexpr float uniform(float low, float high) {
    return low + (high - low) * uniform();
  }
  // In [0, limit); precondition: 0 < limit < 2^31.
  constexpr int below(int limit) {
    return static_cast<int>((bits() >> 33) * static_cast<uint64_t>(limit) >>
                            31);
  }
  constexpr bool chance(float probability) { return uniform() < probability; }
  // Precondition: choices is not empty.
  template <typename T, size_t extent>
  constexpr const T& pick(std::span<const T, extent> choices) {
    return choices[below(static_cast<int>(choices.size()))];
  }

private:
  uint64_t key_;
  uint64_t counter_ = 0;
};

} // namespace burin::data
