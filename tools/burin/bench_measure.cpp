// SPDX-License-Identifier: Apache-2.0
// Runs a function on tensors that lie in the device's memory, many times
// between two looks at the clock where the device works behind the host.
#include "tools/burin/bench_measure.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>

#include <sys/resource.h>

#include "tools/burin/bench_train.h"
#include "tools/burin/profile_report.h"
#include "tools/burin/tensor_convert.h"

namespace burin::cli {
namespace {

// Fills in the extents of Stable Diffusion at 512 pixels.
void completeRequest(FunctionRequest& request, const FunctionKind& kind) {
  int64_t side = kind.imageInput == "image" ? 512 : 64;
  if (!kind.imageInput.empty()) {
    request.height = request.height ? request.height : side;
    request.width = request.width ? request.width : side;
  }
  if (!kind.tokensInput.empty() && !request.tokens)
    request.tokens = 77;
}

// The extents of a compiled function's inputs, whatever was asked for.
void adoptExtents(FunctionRequest& request, const FunctionKind& kind,
                  std::span<const TensorSpec> inputs) {
  size_t height = kind.part ? 1 : 2; // channels-last or channels-first
  for (const TensorSpec& spec : inputs) {
    if (spec.name == kind.imageInput && spec.shape.size() == 4) {
      request.batch = spec.shape[0];
      request.height = spec.shape[height];
      request.width = spec.shape[height + 1];
    }
    if (spec.name == kind.tokensInput && spec.shape.size() >= 2) {
      if (!kind.part)
        request.batch = spec.shape[0];
      request.tokens = spec.shape[1];
    }
  }
}

// The next number of a tensor: between -1 and 1, a timestep in the range of
// training, factors of adapters small.
float inputValue(std::string_view tensor, uint32_t& state) {
  state = state * 1664525u + 1013904223u;
  float value = static_cast<float>(static_cast<int32_t>(state)) * 0x1p-31f;
  if (tensor == "adapters")
    return value * 0x1p-6f;
  return tensor == "timestep" ? std::round(500 + 490 * value) : value;
}

// Floats as inputValue gives them, ids zero.
Result<HostTensors> makeInputs(const FunctionInfo& function) {
  HostTensors inputs;
  uint32_t state = 1;
  for (const TensorSpec& spec : function.inputs) {
    auto size = static_cast<size_t>(*byteCount(spec.dtype, spec.shape));
    if (spec.dtype == DType::kI64) {
      inputs.tensors.push_back({spec, std::vector<std::byte>(size)});
      continue;
    }
    std::vector<float> values(size / byteSize(spec.dtype));
    for (float& value : values)
      value = inputValue(spec.name, state);
    TensorView floats = {spec.name, DType::kF32, spec.shape,
                         std::as_bytes(std::span(values))};
    BURIN_ASSIGN(auto bytes, convertElements(floats, spec.dtype));
    inputs.tensors.push_back({spec, std::move(bytes)});
  }
  return inputs;
}

// The tensors of a function in the device's memory.
class DeviceTensors {
public:
  static Result<DeviceTensors> create(Device& device,
                                      const FunctionInfo& function,
                                      const HostTensors& inputs) {
    DeviceTensors tensors;
    for (const HostTensors::Tensor& input : inputs.tensors) {
      BURIN_TRY(tensors.add(device, tensors.inputs, input.bytes.size()));
      BURIN_TRY(device.upload(tensors.inputs.back(), input.bytes));
    }
    for (const TensorSpec& spec : function.outputs) {
      auto size = static_cast<size_t>(*byteCount(spec.dtype, spec.shape));
      BURIN_TRY(tensors.add(device, tensors.outputs, size));
    }
    return tensors;
  }

  Result<HostTensors> download(Device& device,
                               const FunctionInfo& function) const {
    HostTensors host;
    for (size_t i = 0; i < outputs.size(); ++i) {
      const TensorSpec& spec = function.outputs[i];
      auto size = static_cast<size_t>(*byteCount(spec.dtype, spec.shape));
      auto& tensor = host.tensors.emplace_back();
      tensor = {spec, std::vector<std::byte>(size)};
      BURIN_TRY(device.download(tensor.bytes, outputs[i]));
    }
    return host;
  }

  std::vector<std::byte*> inputs, outputs;

private:
  Status add(Device& device, std::vector<std::byte*>& list, size_t size) {
    BURIN_ASSIGN(Memory memory, device.allocate(size));
    list.push_back(memory.data());
    memories_.push_back(std::move(memory));
    return okStatus();
  }

  std::vector<Memory> memories_;
};

// What is run: one function on one set of tensors.
struct Subject {
  Session& session;
  const FunctionInfo& function;
  const DeviceTensors& tensors;

  Status enqueue(const ExecuteOptions& execute = {}) const {
    return session.program().enqueue(function, tensors.inputs, tensors.outputs,
                                     execute);
  }
};

// `repeat` times the clock over a batch of runs. A device that works behind
// the host is told many runs ahead, so that what is timed is its own time.
Result<Timing> timeRuns(const Subject& subject, int repeat) {
  using Clock = std::chrono::steady_clock;
  Device& device = subject.session.device();
  const int batch = device.sharesMemory() ? 1 : 20;
  for (int i = 0; i < (batch == 1 ? 1 : 3); ++i) // the first ones warm up
    BURIN_TRY(subject.enqueue());
  BURIN_TRY(device.synchronize());
  std::vector<double> seconds;
  double processor = processorSeconds();
  for (int i = 0; i < repeat; ++i) {
    auto before = Clock::now();
    for (int run = 0; run < batch; ++run)
      BURIN_TRY(subject.enqueue());
    BURIN_TRY(device.synchronize());
    std::chrono::duration<double> taken = Clock::now() - before;
    seconds.push_back(taken.count() / batch);
  }
  processor = (processorSeconds() - processor) / (repeat * batch);
  return timingOf(std::move(seconds), processor);
}

// Apart from the timed runs: looking at every step costs time.
Result<std::string> profile(const Subject& subject) {
  std::vector<double> steps(subject.function.steps.size());
  ExecuteOptions execute;
  execute.seconds = steps;
  BURIN_TRY(subject.enqueue(execute));
  return profileText(subject.function.steps, steps);
}

Result<Measured> measure(Session& session, const FunctionInfo& function,
                         const BenchOptions& options) {
  Device& device = session.device();
  Measured measured;
  BURIN_ASSIGN(measured.inputs, makeInputs(function));
  BURIN_ASSIGN(DeviceTensors tensors,
               DeviceTensors::create(device, function, measured.inputs));
  Subject subject = {session, function, tensors};
  BURIN_ASSIGN(measured.timing, timeRuns(subject, options.repeat));
  BURIN_ASSIGN(measured.outputs, tensors.download(device, function));
  if (options.profile) {
    BURIN_ASSIGN(measured.profile, profile(subject));
  }
  measured.opening = session.times();
  measured.ownMemory = !device.sharesMemory();
  measured.peakBytes = measured.ownMemory
                           ? static_cast<double>(peakBytes(device))
                           : hostPeakBytes();
  for (const StepInfo& step : function.steps) {
    measured.flops += static_cast<double>(step.flops);
    measured.launches += step.verb == "launch" || step.verb == "call";
  }
  return measured;
}

} // namespace

double processorSeconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

double hostPeakBytes() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024;
}

Timing timingOf(std::vector<double> seconds, double processor) {
  std::sort(seconds.begin(), seconds.end());
  return {seconds.front(), seconds[seconds.size() / 2], processor};
}

std::vector<TensorView> HostTensors::views() const {
  std::vector<TensorView> views;
  for (const Tensor& tensor : tensors)
    views.push_back(
        {tensor.spec.name, tensor.spec.dtype, tensor.spec.shape, tensor.bytes});
  return views;
}

Result<Measured> measureBurin(const BenchOptions& options) {
  if (options.function.name == "train_step")
    return measureTraining(options);
  FunctionRequest request = options.function;
  BURIN_ASSIGN(FunctionKind kind, findFunctionKind(request.name));
  completeRequest(request, kind);
  BURIN_ASSIGN(Checkpoint checkpoint, Checkpoint::open(options.model));
  std::string config;
  if (auto text = checkpoint.metadata(std::string(kind.component) + ".config"))
    config = *text;
  BURIN_TRY(addAdapters(options.adapters, checkpoint, request));
  SessionOptions session;
  session.device = options.device;
  session.threads = options.threads;
  session.precision = options.precision;
  session.moduleFile = options.module;
  BURIN_ASSIGN(auto model,
               Session::open(std::move(checkpoint), {&request, 1}, session));
  BURIN_ASSIGN(const FunctionInfo* function,
               model->program().find(request.name));
  for (const FunctionInfo* each : model->program().functions())
    if (each == function || each->name == request.name + ".invariants")
      adoptExtents(request, kind, each->inputs);
  BURIN_ASSIGN(Measured measured, measure(*model, *function, options));
  measured.function = std::move(request);
  measured.config = std::move(config);
  return measured;
}

} // namespace burin::cli
