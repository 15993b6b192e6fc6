// SPDX-License-Identifier: Apache-2.0
// A training without a compiler: shards of tiny pictures, encoders that are
// arithmetic, and a network of one tensor.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "formats/checkpoint/checkpoint.h"
#include "models/train/config.h"
#include "models/train/dataset.h"
#include "models/train/learner.h"
#include "models/train/loop.h"
#include "tests/formats/temporary_folder.h"

namespace burin::train {

inline constexpr EncodedShape kTinyShape = {2, 2, 4, 77, 3};

// Counts what passes through it.
struct EncoderCounts {
  int opened = 0;
  size_t pictures = 0, texts = 0;
};
// A picture whose first byte is 255 has no finite latents.
EncoderFactory fakeEncoder(EncoderCounts* counts = nullptr);

// Examples whose bytes and texts depend on `seed`.
void writeTinyShard(const std::string& path, int count, int seed,
                    std::vector<std::string> texts = {});

// Learns the first tensor of the UNet of a checkpoint: the loss is the mean
// over rows of (w . x - y)^2, of numbers in the batch.
class FakeLearner : public Learner {
public:
  static std::unique_ptr<FakeLearner> create(const std::string& model);

  Status step(const pipeline::TrainBatch& batch,
              const schedule::HyperParameters& hyper,
              pipeline::TrainReport& report) override;
  Status saveState(const std::string& path, const Metadata& metadata) override;
  Result<Metadata> restoreState(const std::string& path) override;
  Result<pipeline::TrainedTensors> average() override;

  std::function<void()> onStep;     // before each
  std::function<Status()> onSaving; // when half a state is written
  bool finite = true;               // what steps report
  std::vector<float> weights;

private:
  std::string name_;
  Shape shape_;
  std::vector<float> average_;
};

// Two shards of six examples and a model in a folder, opened for training.
class World {
public:
  World();

  // As the program does it, but for learner and encoders.
  Result<TrainSummary> run(FakeLearner& learner,
                           const TrainEvents& events = quiet());
  static TrainEvents quiet();

  std::string model() const { return folder / "tiny.burin"; }
  std::string log() const { return readText(config.output + "/log.jsonl"); }
  // The losses of a log, as texts.
  std::vector<std::string> losses() const;

  TemporaryFolder folder;
  TrainConfig config;
};

} // namespace burin::train
