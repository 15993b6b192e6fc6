// SPDX-License-Identifier: Apache-2.0
// Times one function of a model on a device.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "models/pipeline/session.h"
#include "models/schedule/optimizer.h"
#include "tools/burin/adapter_options.h"

namespace burin::cli {

struct BenchOptions {
  std::string model;
  FunctionRequest function = {"", 1, 0, 0, 0};
  AdapterOptions adapters;
  std::string device = "cpu";
  std::string precision = "f32";
  std::string module; // compiled already; of train_step, a folder of modules
  std::string against;
  std::string weights; // the diffusers folder of the same model, for the peer
  std::string python = "python3";
  std::string script = "bench/reference/torch_peer.py";
  std::string dump;  // folder for the tensors of the run
  int64_t parts = 1; // of a training step's batch
  int threads = 0;
  int repeat = 5;
  bool profile = false;
  bool json = false;
};

// Seconds of one run. `processor` sums over threads: it tells the work where
// other programs take part of the machine.
struct Timing {
  double best = 0;
  double median = 0;
  double processor = 0;
};

// Tensors of a function in the host's memory, by name.
struct HostTensors {
  struct Tensor {
    TensorSpec spec;
    std::vector<std::byte> bytes;
  };
  std::vector<Tensor> tensors;

  std::vector<TensorView> views() const;
};

struct Measured {
  Timing timing;
  SessionTimes opening;
  bool ownMemory = false; // the device's, so that transfers are not timed
  double flops = 0;
  double peakBytes = 0;
  size_t launches = 0;
  FunctionRequest function; // with the extents that were run
  std::string config;       // of the function's component, as the peer reads it
  std::string profile;
  HostTensors inputs, outputs; // the outputs of train_step are its gradients
  // Of a training step alone.
  struct Training {
    std::string prediction; // "epsilon" or "v_prediction"
    schedule::HyperParameters hyper;
    double loss = 0;         // of the inputs, before any update
    double firstSeconds = 0; // from opening the model to the first step's end
  };
  std::optional<Training> training;
};

// Opens the model and runs the function; its own module where one is named.
Result<Measured> measureBurin(const BenchOptions& options);

// Of the seconds of each run, and the processor's of one.
Timing timingOf(std::vector<double> seconds, double processor);
// Of this process.
double processorSeconds();
double hostPeakBytes();

} // namespace burin::cli
