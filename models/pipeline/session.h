// SPDX-License-Identifier: Apache-2.0
// A model ready to run: checkpoint, device, compiled functions, packed weights.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/adapters/adapted_weights.h"
#include "models/pipeline/compile_request.h"
#include "models/pipeline/device.h"
#include "models/pipeline/module_cache.h"
#include "runtime/program/program.h"

namespace burin {

struct SessionOptions {
  std::string device = "cpu"; // models/pipeline/device.h
  int threads = 0;            // of the CPU; 0: one a processor
  std::string precision = "f32";
  Layout layout = Layout::kNchw;
  std::string moduleFile; // a compiled module to use instead of compiling
  // Added to the weights as they are bound; the module is the same without.
  std::vector<adapters::AdapterUse> adapters;
  ModuleCacheOptions compile;
};

// Seconds that each stage of opening took.
struct SessionTimes {
  double module = 0;  // compile, or read from the cache
  double load = 0;    // verify, map code, record, bind
  double prepare = 0; // pack weights
};

// Used by one thread at a time, as its program.
class Session {
public:
  // Everything up to the first run. Weights that were packed leave memory.
  // Without `device` opens the one that the options name.
  static Result<std::unique_ptr<Session>>
  open(Checkpoint checkpoint, std::span<const FunctionRequest> functions,
       const SessionOptions& options, std::shared_ptr<Device> device = nullptr);

  Program& program() { return *program_; }
  Device& device() { return *device_; }
  const Checkpoint& checkpoint() const { return checkpoint_; }
  std::span<const std::byte> module() const { return module_.bytes(); }
  const SessionTimes& times() const { return times_; }

private:
  explicit Session(Checkpoint checkpoint)
      : checkpoint_(std::move(checkpoint)) {}

  Checkpoint checkpoint_;
  std::optional<adapters::AdaptedWeights> weights_; // of checkpoint_
  ModuleBytes module_;
  SessionTimes times_;
  std::shared_ptr<Device> device_;
  std::unique_ptr<Program> program_;
};

} // namespace burin
