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

// What the network sees of it, channels-last: the noisy latents beside the
// picture's.
inline std::vector<float> noisyBesideSource(const Batch& batch) {
  constexpr size_t kChannels = 4;
  std::vector<float> sample;
  const size_t pixels = batch.target.size() / kChannels;
  for (size_t i = 0; i < pixels; ++i) {
    const size_t image = i / (pixels / batch.signal.size());
    for (size_t c = i * kChannels; c < (i + 1) * kChannels; ++c)
      sample.push_back(batch.signal[image] * batch.target[c] +
                       batch.level[image] * batch.noise[c]);
    for (size_t c = i * kChannels; c < (i + 1) * kChannels; ++c)
      sample.push_back(batch.source[c]);
  }
  return sample;
}

// Of train.safetensors.
inline constexpr size_t kBatches = 4;

} // namespace burin::pipeline
