// SPDX-License-Identifier: Apache-2.0
// A checkpoint's UNet in training: compiled steps, and the buffers that they
// update in the device's memory.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "models/pipeline/session.h"
#include "models/schedule/config.h"
#include "models/schedule/optimizer.h"
#include "runtime/collective/collective.h"

namespace burin::pipeline {

// An adapter to be learnt beside a frozen network.
struct TrainAdapter {
  int64_t rank = 0;
  double alpha = 0;
  std::vector<std::string> layers; // of the UNet (models/adapters/targets.h)
  uint64_t seed = 0;               // of what A begins with

  double scale() const { return alpha / static_cast<double>(rank); }
};

// What training takes of the device.
struct TrainMemory {
  size_t fixed = 0;    // bytes of parameters, moments, average and batch
  size_t working = 0;  // bytes of whatever lives while gradients are computed
  size_t steps = 0;    // of the function that computes them
  size_t repeated = 0; // of these, how many compute values again
  double work = 0;     // what they add to the operations of the others, a share
};

struct TrainOptions {
  std::string device = "cpu";    // models/pipeline/device.h
  int threads = 0;               // of the CPU; 0: one a processor
  std::string precision = "f32"; // of activations; parameters stay float32
  int64_t batch = 1;             // examples a step, of this process
  int64_t parts = 1;     // that they go through the network in, one by one
  int64_t processes = 1; // that step together, each with examples of its own
  int64_t height = 0;    // of the latents
  int64_t width = 0;
  int64_t tokens = 77;
  // What the network predicts: the noise or the velocity.
  schedule::Prediction prediction = schedule::Prediction::kEpsilon;
  // Whether weights alone decay (tensors of more than one axis), or biases and
  // norms too.
  bool decayWeightsAlone = true;
  // What is trained instead of the network. Buffers, state and exported tensors
  // are of its factors alone, "unet.<layer>.lora_A.weight" and "...lora_B...",
  // float32; the checkpoint is read as it is.
  std::optional<TrainAdapter> adapter;
  // MiB that the function which computes gradients may take of the device with
  // what it reads and writes (in one process and one part, that is all there
  // is): values are computed again until it does. 0: all are kept.
  int64_t memoryBudget = 0;
  // Called before the first step.
  std::function<void(const TrainMemory&)> onMemory;
  // Compiled modules to use instead of compiling: TrainSession::functions(),
  // beginning().
  std::string moduleFile, beginningFile;
  ModuleCacheOptions compile;
};

// The examples of a step, all of its parts; images are channels-last.
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
  static std::vector<FunctionRequest> beginning(const TrainOptions& options);

  // Compiles or finds the module, and begins from the checkpoint's weights (an
  // adapter: from initializeFactor's), moments of zero, and an average that
  // equals the weights. Several processes
  // need a `collective` on `device`.
  static Result<std::unique_ptr<TrainSession>>
  open(Checkpoint checkpoint, const TrainOptions& options,
       std::shared_ptr<Device> device = nullptr,
       std::shared_ptr<Collective> collective = nullptr);

  // One update, from the mean over all examples of all parts and processes;
  // returns when the device has done it. The error names a span of the wrong
  // size. With several processes each calls it, and all report the same.
  // `seconds` is empty, or receives what each of steps() took.
  Status step(const TrainBatch& batch, const schedule::HyperParameters& hyper,
              TrainReport* report, std::span<double> seconds = {});

  // What one update runs, in order.
  std::vector<StepInfo> steps() const;

  // How many updates the parameters have seen.
  int64_t updates() const { return updates_; }

  // What is trained, in the order of the flat buffers: names and shapes as in
  // the checkpoint, in its element type; or factors.
  std::span<const TensorSpec> tensors() const { return tensors_; }
  int64_t parameterCount() const;
  // Bytes on the device: the four buffers and working memory.
  size_t deviceBytes() const;

  // kFirstMoment: AdamW's of each tensor.
  enum class Weights { kTrained, kAverage, kFirstMoment };
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

  // A function with the buffers that it works on.
  struct Call {
    const FunctionInfo* function = nullptr;
    std::vector<std::byte*> inputs, outputs;
  };

  TrainSession(int64_t parts, std::shared_ptr<Collective> collective)
      : parts_(parts), collective_(std::move(collective)) {}
  // Whether gradients are summed before the update.
  bool sums() const { return parts_ > 1 || collective_; }
  Status allocate();
  TrainMemory memory() const;
  Result<Call> call(std::string_view function);
  Status initialize(const TrainOptions& options);
  // Those of one update, in order.
  std::vector<const Call*> calls() const;
  // Takes the call's share from the beginning of `seconds`, unless it is empty.
  Status enqueue(const Call& call, std::span<double>& seconds);
  Status enqueueParts(const TrainBatch& batch, std::span<double>& seconds);
  Status upload(const TrainBatch& batch, int64_t part);
  Status upload(std::string_view name, std::span<const float> values,
                int64_t part, int64_t parts);
  std::string layoutFingerprint() const;

  std::unique_ptr<Session> session_;
  int64_t parts_;
  std::shared_ptr<Collective> collective_; // none: one process
  // One step as a whole, or the gradient of the first part, of each further
  // one with its addition, and the update.
  Call step_, gradient_, further_, accumulate_, update_;
  const FunctionInfo* export_ = nullptr;
  std::vector<TensorSpec> tensors_;
  std::map<std::string, Buffer, std::less<>> buffers_; // by tensor of a call
  int64_t updates_ = 0;
};

} // namespace burin::pipeline
