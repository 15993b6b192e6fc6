// SPDX-License-Identifier: Apache-2.0
// A checkpoint's UNet in training: compiled steps, and the buffers that they
// update in the device's memory.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "models/pipeline/session.h"
#include "models/schedule/config.h"
#include "models/schedule/optimizer.h"

namespace burin::pipeline {

struct TrainOptions {
  std::string device = "cpu";    // models/pipeline/device.h
  int threads = 0;               // of the CPU; 0: one a processor
  std::string precision = "f32"; // of activations; parameters stay float32
  int64_t batch = 1;             // examples a step
  int64_t height = 0;            // of the latents
  int64_t width = 0;
  int64_t tokens = 77;
  // What the network predicts: the noise or the velocity.
  schedule::Prediction prediction = schedule::Prediction::kEpsilon;
  // Whether weights alone decay (tensors of more than one axis), or biases and
  // norms too.
  bool decayWeightsAlone = true;
  // Compiled modules to use instead of compiling: TrainSession::functions(),
  // beginning().
  std::string moduleFile, beginningFile;
  ModuleCacheOptions compile;
};

// The examples of a step; images are channels-last.
struct TrainBatch {
  std::span<const float> target; // [batch, height, width, channels] latents of
                                 // what the network is to make
  std::span<const float> source; // likewise, of the picture to edit; zeros
                                 // where the example goes without one
  std::span<const float> states; // [batch, tokens, width] of the instruction
  std::span<const float> noise;  // likewise to target: normal numbers
  std::span<const float> timestep; // [batch] below the schedule's steps
  // [batch] each, of the timestep: the noisy latents are
  // signal * target + noiseLevel * noise, so that they are sqrt(alpha_bar) and
  // sqrt(1 - alpha_bar).
  std::span<const float> signal, noiseLevel;
};

struct TrainReport {
  double loss = 0;         // mean squared error before the update
  double gradientNorm = 0; // before clipping
  // Otherwise nothing was updated, and the step does not count.
  bool finite = true;
};

// Tensors as a checkpoint has them.
struct TrainedTensors {
  std::vector<TensorView> tensors; // ascending by name
  std::vector<std::byte> storage;  // what they point into
};

// Used by one thread at a time.
class TrainSession {
public:
  // What a session runs from then on, and once before.
  static std::vector<FunctionRequest> functions(const TrainOptions& options);
  static std::vector<FunctionRequest> beginning();

  // Compiles or finds the module, and begins from the checkpoint's weights,
  // moments of zero, and an average that equals the weights.
  static Result<std::unique_ptr<TrainSession>>
  open(Checkpoint checkpoint, const TrainOptions& options,
       std::shared_ptr<Device> device = nullptr);

  // One update; returns when the device has done it. The error names a span of
  // the wrong size.
  Status step(const TrainBatch& batch, const schedule::HyperParameters& hyper,
              TrainReport* report);

  // How many updates the parameters have seen.
  int64_t updates() const { return updates_; }

  // What is trained, in the order of the flat buffers: names and shapes as in
  // the checkpoint, in its element type.
  std::span<const TensorSpec> tensors() const { return tensors_; }
  int64_t parameterCount() const;
  // Bytes on the device: the four buffers and working memory.
  size_t deviceBytes() const;

  enum class Weights { kTrained, kAverage };
  Result<TrainedTensors> exportTensors(Weights which);

  // Parameters, moments, average and the number of updates in one checkpoint,
  // beside what the caller wants to keep. Appears when it is complete.
  using Metadata = std::map<std::string, std::string, std::less<>>;
  Status saveState(const std::string& path, const Metadata& extra = {});
  // The metadata that saveState was given. Fails, changing nothing, unless the
  // state is of the same tensors.
  Result<Metadata> restoreState(const std::string& path);

  const Checkpoint& checkpoint() const { return session_->checkpoint(); }
  const SessionTimes& times() const { return session_->times(); }

private:
  struct Buffer {
    Memory memory;
    TensorSpec spec;
  };

  TrainSession() = default;
  Status allocate();
  Status initialize(const TrainOptions& options);
  Status upload(std::string_view name, std::span<const float> values);
  std::string layoutFingerprint() const;

  std::unique_ptr<Session> session_;
  const FunctionInfo* step_ = nullptr;
  const FunctionInfo* export_ = nullptr;
  std::vector<TensorSpec> tensors_;
  std::map<std::string, Buffer, std::less<>> buffers_; // by tensor of the step
  std::vector<std::byte*> inputs_, outputs_;           // of the step
  int64_t updates_ = 0;
};

} // namespace burin::pipeline
