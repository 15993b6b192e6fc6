// SPDX-License-Identifier: Apache-2.0
// What torch.randn draws on a CPU. The words come from a Mersenne twister
// seeded with the low 32 bits of the seed. Then there are two ways:
//
// From 16 values on, all values first become uniform, u = (word mod 2^24) /
// 2^24; then each 16 of them, a_0..a_7 and b_0..b_7, turn into
//   sqrt(-2 ln(1 - a_j)) cos(2 pi b_j)   and the same with sin, 8 places on.
// A rest of fewer than 16 is served by drawing the last 16 values anew.
//
// Below 16, values come in pairs from two doubles of 53 bits each:
//   sqrt(-2 ln(1 - v)) cos(2 pi u), then with sin,
// and the second of a pair may wait for the next call.
#include "runtime/random/torch_cpu.h"

#include <cmath>
#include <numbers>
#include <optional>
#include <random>

namespace burin {
namespace {

constexpr size_t kBlock = 16;

class TorchCpuSource final : public NormalSource {
public:
  explicit TorchCpuSource(uint64_t seed)
      : engine_(static_cast<uint32_t>(seed)) {}

  void fill(std::span<float> values) override {
    if (values.size() < kBlock) {
      for (float& value : values)
        value = static_cast<float>(next());
      return;
    }
    for (float& value : values)
      value = uniform24();
    size_t whole = values.size() / kBlock * kBlock;
    for (size_t i = 0; i < whole; i += kBlock)
      transform(values.subspan(i).first<kBlock>());
    if (whole == values.size())
      return;
    auto last = values.last<kBlock>();
    for (float& value : last)
      value = uniform24();
    transform(last);
  }

private:
  float uniform24() {
    constexpr uint32_t kMask = (1u << 24) - 1;
    return static_cast<float>(engine_() & kMask) * 0x1p-24f;
  }

  double uniform53() {
    constexpr uint64_t kMask = (uint64_t{1} << 53) - 1;
    uint64_t high = engine_();
    uint64_t low = engine_();
    return static_cast<double>((high << 32 | low) & kMask) * 0x1p-53;
  }

  static void transform(std::span<float, kBlock> values) {
    constexpr auto kTwoPi = static_cast<float>(2 * std::numbers::pi);
    for (size_t j = 0; j < kBlock / 2; ++j) {
      float radius = std::sqrt(-2.0f * std::log(1.0f - values[j]));
      float angle = kTwoPi * values[j + kBlock / 2];
      values[j] = radius * std::cos(angle);
      values[j + kBlock / 2] = radius * std::sin(angle);
    }
  }

  double next() {
    if (waiting_) {
      double value = *waiting_;
      waiting_.reset();
      return value;
    }
    double u = uniform53();
    double v = uniform53();
    double radius = std::sqrt(-2.0 * std::log1p(-v));
    double angle = 2.0 * std::numbers::pi * u;
    waiting_ = radius * std::sin(angle);
    return radius * std::cos(angle);
  }

  std::mt19937 engine_;
  std::optional<double> waiting_;
};

} // namespace

std::unique_ptr<NormalSource> makeTorchCpuSource(uint64_t seed) {
  return std::make_unique<TorchCpuSource>(seed);
}

} // namespace burin
