// SPDX-License-Identifier: Apache-2.0
// Finds the fastest tile of each contraction on the card at hand.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "bench/cuda/cases.h"
#include "kernels/cuda/contract/select.h"
#include "runtime/device/device.h"

namespace burin::bench {

// Told what is going on, how much of it is done, and of how much.
using Notice =
    std::function<void(const std::string& what, size_t done, size_t total)>;

struct TunedTime {
  kernels::cuda::TunedTile tile;
  double seconds;   // of a launch, as in the network
  double reference; // with the tile that was chosen before
};

struct TuneReport {
  std::vector<TunedTime> times;
  // Tiles whose results differ in a bit from the chosen one's on operands for
  // which sums are exact: their geometries are not among `times`.
  std::vector<std::string> faults;
};

// The rows that contraction tiles serve, each geometry once.
std::vector<ShapeRow> tunableRows(std::span<const ShapeRow> rows,
                                  const kernels::cuda::Target& target);

// Times tiles in both orders, all of them quickly and the best again, and
// compares what the best compute. `known` are the winners so far: where none
// is faster by more than the clock's noise, they stay.
Result<TuneReport>
tuneContractions(Device& device, const kernels::cuda::Target& target,
                 std::span<const ShapeRow> rows,
                 std::span<const kernels::cuda::TunedTile> known,
                 const Notice& notice);

} // namespace burin::bench
