// SPDX-License-Identifier: Apache-2.0
// What torch.randn draws on a GPU. T threads, a multiple of 256 that the card
// holds at once, each own a Philox stream with the thread's number; the
// counter goes on from where the call before left it. A draw gives a thread
// four normals, and value v of draw d of thread t becomes element
//   t + T (4 d + v).
// Two of a draw's four words r, s make two normals:
//   sqrt(-2 ln u) sin(w), sqrt(-2 ln u) cos(w) with
//   u = r / 2^32 + 2^-33, w = 2 pi (s / 2^32 + 2^-33).
#include <algorithm>
#include <array>
#include <cmath>

#include "runtime/base/philox.h"
#include "runtime/random/normal_source.h"

namespace burin {
namespace {

constexpr uint64_t kBlockThreads = 256;
constexpr uint64_t kDraw = 4; // normals of a thread at once

std::array<float, kDraw> cudaNormals(const std::array<uint32_t, 4>& words) {
  // The float constants of the GPU's library, which computes in float.
  constexpr float kInverse = 0x1p-32f;
  constexpr float kInverseTwoPi = 0x1p-32f * 6.2831855f;
  std::array<float, kDraw> out;
  for (size_t i = 0; i < kDraw; i += 2) {
    float u = std::fma(static_cast<float>(words[i]), kInverse, kInverse / 2);
    float w = std::fma(static_cast<float>(words[i + 1]), kInverseTwoPi,
                       kInverseTwoPi / 2);
    float radius = std::sqrt(-2.0f * std::log(u));
    out[i] = radius * std::sin(w);
    out[i + 1] = radius * std::cos(w);
  }
  return out;
}

class TorchCudaSource final : public NormalSource {
public:
  TorchCudaSource(uint64_t seed, const TorchCudaGrid& grid)
      : seed_(seed),
        maxBlocks_(grid.multiprocessors *
                   (grid.threadsPerMultiprocessor / kBlockThreads)) {}

  void fill(std::span<float> values) override {
    uint64_t count = values.size();
    if (count == 0)
      return;
    uint64_t blocks =
        std::min(maxBlocks_, (count + kBlockThreads - 1) / kBlockThreads);
    uint64_t threads = blocks * kBlockThreads;
    uint64_t draws = (count - 1) / (threads * kDraw) + 1;
    for (uint64_t draw = 0; draw < draws; ++draw)
      for (uint64_t thread = 0; thread < threads; ++thread) {
        uint64_t first = thread + threads * kDraw * draw;
        if (first >= count)
          break;
        auto four = cudaNormals(philoxWords(seed_, counter_ + draw, thread));
        for (uint64_t v = 0; v < kDraw && first + threads * v < count; ++v)
          values[first + threads * v] = four[v];
      }
    counter_ += draws;
  }

private:
  uint64_t seed_;
  uint64_t maxBlocks_;
  uint64_t counter_ = 0;
};

} // namespace

std::unique_ptr<NormalSource> makeTorchCudaSource(uint64_t seed,
                                                  const TorchCudaGrid& grid) {
  return std::make_unique<TorchCudaSource>(seed, grid);
}

} // namespace burin
