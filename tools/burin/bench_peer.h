// SPDX-License-Identifier: Apache-2.0
// The same function in PyTorch: its time and, on the same weights and inputs,
// how far both stray from float32.
#pragma once

#include <optional>

#include "tools/burin/bench_measure.h"

namespace burin::cli {

// Relative errors |x - r| / |r| of all outputs together, r being PyTorch's in
// float32.
//
// Of a training step: of its gradients.
struct Errors {
  double burin = 0;
  double peer = 0;
  // Burin's of one tensor, the worst.
  struct Worst {
    std::string tensor;
    double error = 0;
  };
  std::optional<Worst> worst;

  // Both compute the same thing, as far as the precision lets them.
  bool agree() const {
    constexpr double kGross = 0.1;
    return burin <= kGross && peer <= kGross; // false for NaN
  }
};

struct Peer {
  std::string name; // "torch 2.11.0, channels_last"
  Timing timing;    // of its faster memory layout
  double peakBytes = 0;
  double readySeconds = 0;      // until its first runs were done; on cards
  std::optional<Errors> errors; // where it was given the model's weights
  // Of a training step, before any update: the peer's, and in float32.
  struct Losses {
    double peer = 0, reference = 0;
  };
  std::optional<Losses> losses;
};

// Runs the peer's script on what was measured.
Result<Peer> measureTorch(const BenchOptions& options, const Measured& burin);

// Writes inputs.safetensors and burin.safetensors into options.dump.
Status dumpTensors(const BenchOptions& options, const Measured& burin);

} // namespace burin::cli
