// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/weight_gradient/tiles.h"

#include <algorithm>

namespace burin::kernels::cuda {
namespace {

constexpr int kSharedLimit = 232448; // bytes of one block on sm_90
constexpr int kSharedSlack = 1024;   // of alignment
constexpr int kPieceBytes = 64 * 64 * 2;
constexpr int kMaxStages = 8;

constexpr GradientTile kTiles[] = {
    // consumers, row blocks, columns, input rows, step
    {3, 1, 192, false, 0.79}, {2, 1, 256, false, 0.75},
    {2, 2, 128, false, 0.75}, {3, 1, 128, false, 0.55},
    {2, 1, 192, false, 0.55}, {2, 1, 128, false, 0.40},
    {2, 1, 64, false, 0.30},  {1, 1, 192, false, 0.35},
    {1, 1, 64, false, 0.20},  {3, 1, 160, true, 0.70},
    {2, 1, 160, true, 0.50},  {2, 1, 256, true, 0.75},
    {2, 2, 128, true, 0.75},  {3, 1, 64, true, 0.40},
    {3, 1, 32, true, 0.36},
};

// Costs in microseconds: of a launch, of filling the stages and keeping the
// sums of a tile, and what memory moves at best.
constexpr double kLaunch = 3.0, kTail = 2.0;
constexpr double kBytesPerMicrosecond = 2.4e6;
// Of operands that the second-level cache holds while tiles take them at
// different times.
constexpr double kCachedBytes = 45e6;
constexpr double kCachedSums = 30e6;
constexpr int64_t kMostParts = 256;
constexpr int64_t kMostJoinBytes = int64_t{1} << 28;
// Steps that a part must have to be worth its sums.
constexpr int64_t kFewSteps = 4;

int64_t divideUp(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

int stageBytes(const GradientTile& t) {
  return (t.blocks() + static_cast<int>(divideUp(t.columns, 64))) * kPieceBytes;
}

} // namespace

std::string GradientTile::name() const {
  const std::string inputs = std::to_string(64 * pieces());
  return std::to_string(outputs()) + "x" + inputs + (inputRows ? "t" : "");
}

int GradientTile::stages() const {
  // Each stage has two barriers of 8 bytes.
  return std::min(kMaxStages,
                  (kSharedLimit - kSharedSlack) / (stageBytes(*this) + 16));
}

int GradientTile::sharedBytes() const {
  return kSharedSlack + stages() * (stageBytes(*this) + 16);
}

std::span<const GradientTile> gradientTileTable() {
  return kTiles;
}

const GradientTile* findGradientTile(std::string_view name) {
  for (const GradientTile& tile : kTiles)
    if (tile.name() == name)
      return &tile;
  return nullptr;
}

int64_t GradientProblem::outputTiles(const GradientTile& tile) const {
  return divideUp(outputs, tile.outputs());
}

int64_t GradientProblem::inputTiles(const GradientTile& tile) const {
  return divideUp(divideUp(channels, 64) * taps, tile.pieces());
}

int64_t GradientChoice::ranges(const GradientProblem& p) const {
  return parts > 0 ? p.tiles(*tile) * parts : kMultiprocessors;
}

int64_t GradientChoice::joinBytes(const GradientProblem& p) const {
  const int64_t slots = ranges(p) + (parts > 0 ? 0 : p.tiles(*tile) - 1);
  return joins(p) ? slots * tile->rows() * tile->columns * 4 : 0;
}

double gradientMicroseconds(const GradientProblem& p,
                            const GradientChoice& choice) {
  const GradientTile& tile = *choice.tile;
  const double result =
      4.0 * static_cast<double>(p.outputs * p.channels * p.taps);
  double sums;
  if (choice.parts > 0) {
    const auto waves =
        static_cast<double>(divideUp(choice.ranges(p), kMultiprocessors));
    const auto steps = static_cast<double>(divideUp(p.steps, choice.parts));
    sums = waves * (steps * tile.step + kTail);
  } else {
    const auto steps = static_cast<double>(
        divideUp(p.tiles(tile) * p.steps, choice.ranges(p)));
    const double crossed = steps / static_cast<double>(p.steps) + 1;
    sums = steps * tile.step + crossed * kTail;
  }
  const double memory = (p.bytes + result) / kBytesPerMicrosecond;
  double time = kLaunch + std::max(sums, memory);
  if (choice.joins(p)) {
    const auto kept = static_cast<double>(choice.joinBytes(p));
    // Sums are written under the products of others, and read back.
    const double read = kept > kCachedSums ? kept : kept / 2;
    time += kLaunch + (read + result) / kBytesPerMicrosecond;
  }
  return time;
}

// Whether the choice is one that can be taken; `chosen`: without regard to what
// it is worth.
static bool isPossible(const GradientProblem& p, const GradientChoice& choice,
                       bool chosen) {
  const int64_t steps = p.tiles(*choice.tile) * p.steps;
  if (choice.parts == 0)
    return steps >= kMultiprocessors && steps < INT32_MAX / kMultiprocessors &&
           (chosen || p.bytes < kCachedBytes);
  return choice.parts <= p.steps && (chosen || choice.parts == 1 ||
                                     (choice.parts * kFewSteps <= p.steps &&
                                      choice.joinBytes(p) <= kMostJoinBytes));
}

GradientChoice chooseGradientTile(const GradientProblem& p,
                                  const GradientTile* fixed,
                                  std::optional<int64_t> parts) {
  GradientChoice best{nullptr, 1};
  double least = 0;
  for (const GradientTile& tile : kTiles) {
    if (!p.fits(tile) || (fixed && fixed != &tile))
      continue;
    for (int64_t count = parts.value_or(0); count <= parts.value_or(kMostParts);
         ++count) {
      const GradientChoice choice{&tile, count};
      if (!isPossible(p, choice, parts.has_value()))
        continue;
      const double time = gradientMicroseconds(p, choice);
      if (best.tile && time >= least)
        continue;
      best = choice;
      least = time;
    }
  }
  return best;
}

} // namespace burin::kernels::cuda
