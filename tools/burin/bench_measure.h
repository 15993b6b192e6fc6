// SPDX-License-Identifier: Apache-2.0
// Times one function of a model on a device.
#pragma once

#include <string>
#include <vector>

#include "models/pipeline/session.h"
#include "tools/burin/adapter_options.h"

namespace burin::cli {

struct BenchOptions {
  std::string model;
  FunctionRequest function = {"", 1, 0, 0, 0};
  AdapterOptions adapters;
  std::string device = "cpu";
  std::string precision = "f32";
  std::string module; // compiled already
  std::string against;
  std::string weights; // the diffusers folder of the same model, for the peer
  std::string python = "python3";
  std::string script = "bench/reference/torch_peer.py";
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
  HostTensors inputs, outputs;
};

// Opens the model and runs the function; its own module where one is named.
Result<Measured> measureBurin(const BenchOptions& options);

} // namespace burin::cli
