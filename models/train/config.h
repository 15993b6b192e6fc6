// SPDX-License-Identifier: Apache-2.0
// What a training is to do, from one JSON file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/adapters/lora_writer.h"
#include "runtime/base/status.h"

namespace burin::train {

// The learning rate over the steps: see rateAt in schedule.h.
struct RateConfig {
  enum class Shape { kConstant, kLinear, kCosine };
  double peak = 1e-4;
  int64_t warmup = 0; // steps
  Shape shape = Shape::kConstant;
  double last = 0; // where linear and cosine end
};

struct AdamWConfig {
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, decay = 0.01;
};

// How often an example is shown without its text, its picture, or both, so
// that guidance has a network to compare with (Brooks et al. 2023, 3.2.1).
struct DropoutConfig {
  double text = 0.05, picture = 0.05, both = 0.05;
};

// A low-rank adapter to be learnt while the network stays as it is.
struct AdapterConfig {
  int64_t rank = 0;
  double alpha = 0;                    // the term's factor is alpha / rank
  std::vector<std::string> targets = { // models/adapters/targets.h
      "to_q", "to_k", "to_v", "to_out.0"};
  adapters::Layout layout = adapters::Layout::kDiffusers; // of its file
};

struct CheckpointConfig {
  int64_t every = 1000; // steps
  int keep = 2;         // states, the newest
};

struct SampleConfig {
  int64_t every = 0; // steps; 0: never
  int count = 4;
  std::string data; // folder of shards; empty: the training data
};

struct TrainConfig {
  std::string file; // that it was read from, for messages
  // Files and folders; relative ones begin where the configuration lies.
  std::string model;   // the checkpoint to start from
  std::string data;    // folder of shards (formats/dataset/shard.h)
  std::string output;  // folder for states, models, logs
  std::string cache;   // folder for encoded examples; output/encoded by default
  std::string modules; // of compileModules(); empty: they are compiled
  int64_t steps = 0;
  int64_t batch = 16;     // examples an update learns from
  int64_t accumulate = 1; // parts that they go through the network in
  int size = 0;           // of pictures in pixels; 0: what the model edits at
  std::string device = "cpu", precision = "f32";
  int threads = 0; // of the CPU; 0: one a processor
  // GiB of the device (TrainOptions::memoryBudget); 0: no limit.
  double memoryBudget = 0;
  uint64_t seed = 0;
  // The network begins from the model's weights, or from random ones of `seed`.
  enum class Initial { kModel, kRandom };
  Initial initial = Initial::kModel;
  RateConfig rate;
  AdamWConfig adamw;
  double maxGradientNorm = 1; // 0: gradients are not clipped
  double averageDecay = 0.9999;
  DropoutConfig dropout;
  std::optional<AdapterConfig> adapter; // absent: the network learns
  CheckpointConfig checkpoint;
  int64_t logEvery = 10; // steps
  SampleConfig samples;
};

// Every field is checked, and an unknown one is an error.
Result<TrainConfig> readTrainConfig(const std::string& path);
// `file` is what messages call it; relative paths begin in its folder.
Result<TrainConfig> parseTrainConfig(std::string_view text,
                                     const std::string& file);

// A configuration with every field, to start from.
std::string_view exampleTrainConfig();

} // namespace burin::train
