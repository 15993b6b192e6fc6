// SPDX-License-Identifier: Apache-2.0
// A batch of golden/train.safetensors and what it consists of.
#pragma once

#include <string>
#include <vector>

#include "models/pipeline/train_session.h"
#include "tests/models/golden_file.h"

namespace burin::pipeline {

struct Batch {
  std::vector<float> target, source, states, noise, timestep, signal, level;

  Batch(const GoldenFile& golden, size_t index) {
    auto read = [&](const char* name) {
      return golden.floats(std::to_string(index) + "." + name);
    };
    target = read("target");
    source = read("source");
    states = read("encoder_hidden_states");
    noise = read("noise");
    timestep = read("timestep");
    signal = read("signal");
    level = read("noise_level");
  }
  TrainBatch view() const {
    return {target, source, states, noise, timestep, signal, level};
  }
};

// Of train.safetensors.
inline constexpr size_t kBatches = 4;

} // namespace burin::pipeline
