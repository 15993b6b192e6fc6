// SPDX-License-Identifier: Apache-2.0
// Which tile a weight gradient is cut into on sm_90a, and its pixels into how
// many parts.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "kernels/cuda/plan.h"

namespace burin::kernels::cuda {

// The parameters of GradientTile in weight_gradient_sm90.cuh; `step` is what
// 64 pixels of a tile cost in microseconds.
struct GradientTile {
  int consumers, rowBlocks, columns;
  bool inputRows; // (channel, tap) are the rows, outputs the columns
  double step;

  // Such as "192x128", outputs by (channel, tap); a "t" where the latter are
  // the rows.
  std::string name() const;
  int blocks() const { return consumers * rowBlocks; }
  int rows() const { return 64 * blocks(); }
  int outputs() const { return inputRows ? columns : rows(); }
  int pieces() const { return inputRows ? blocks() : columns / 64; }
  int threads() const { return consumers * 128 + 128; }
  int stages() const;
  int sharedBytes() const;
};

std::span<const GradientTile> gradientTileTable();
const GradientTile* findGradientTile(std::string_view name);

// A product of [outputs, pixels] and [pixels, channels * taps]; for the taps of
// four phases a tile keeps to one of them.
struct GradientProblem {
  int64_t outputs, channels, taps, phases;
  int64_t steps; // of 64 pixels
  double bytes;  // of both operands

  int64_t outputTiles(const GradientTile& tile) const;
  int64_t inputTiles(const GradientTile& tile) const;
  int64_t tiles(const GradientTile& tile) const {
    return outputTiles(tile) * inputTiles(tile);
  }
  bool fits(const GradientTile& tile) const {
    return phases == 1 || taps / phases % tile.pieces() == 0;
  }
};

struct GradientChoice {
  const GradientTile* tile;
  // Into which the steps of a tile are cut; 0: the steps of all tiles are cut
  // into as many ranges as there are multiprocessors.
  int64_t parts;

  int64_t ranges(const GradientProblem& problem) const;
  // Whether a join follows, of how much.
  bool joins(const GradientProblem& p) const {
    return p.taps > 1 || parts != 1;
  }
  int64_t joinBytes(const GradientProblem& problem) const;
};
double gradientMicroseconds(const GradientProblem& problem,
                            const GradientChoice& choice);
// The fastest by the cost model, of `tile` and `parts` where they are given.
GradientChoice chooseGradientTile(const GradientProblem& problem,
                                  const GradientTile* tile = nullptr,
                                  std::optional<int64_t> parts = {});

} // namespace burin::kernels::cuda
