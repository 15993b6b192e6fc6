// SPDX-License-Identifier: Apache-2.0
// The examples of a step with their noise. Everything is a function of (seed,
// step), so that a training goes on from a step's number alone, and several
// processes learn what one would.
#pragma once

#include <vector>

#include "models/pipeline/train_session.h"
#include "models/schedule/noise_levels.h"
#include "models/train/config.h"
#include "models/train/dataset.h"
#include "models/train/order.h"

namespace burin::train {

// What a TrainBatch looks at.
struct Batch {
  std::vector<float> target, source, states, noise;
  std::vector<float> timestep, signal, noiseLevel;

  pipeline::TrainBatch view() const {
    return {target, source, states, noise, timestep, signal, noiseLevel};
  }
};

struct BatchOptions {
  uint64_t seed = 0;
  int64_t batch = 1;
  double scaling = 1; // of the target's latents; the source's have none
  DropoutConfig dropout;
  // The rows to make: one of `shares` equal parts of the batch.
  int64_t share = 0, shares = 1;
};

// Used by one thread at a time; `data` and `levels` must outlive it.
class Batcher {
public:
  Batcher(const Dataset& data, const schedule::NoiseLevels& levels,
          const BatchOptions& options)
      : data_(data), levels_(levels), options_(options),
        order_(options.seed, data.count()) {}

  // Cheapest when steps ascend.
  void fill(int64_t step, Batch& batch);

private:
  // What chance decides for a row of the whole batch: the seed of its noise,
  // its timestep, and what it goes without.
  struct Draw {
    uint64_t noiseSeed;
    int timestep;
    bool withoutText, withoutPicture;
  };
  Draw draw(int64_t step, int64_t row) const;

  const Dataset& data_;
  const schedule::NoiseLevels& levels_;
  BatchOptions options_;
  Order order_;
};

} // namespace burin::train
