// SPDX-License-Identifier: Apache-2.0
// One batch of random numbers, learnt from again and again.
#include "tools/burin/bench_train.h"

#include <chrono>
#include <cmath>
#include <cstring>

#include "models/pipeline/model_info.h"
#include "models/pipeline/train_session.h"
#include "models/schedule/noise_levels.h"
#include "models/train/train.h"
#include "runtime/base/philox.h"
#include "tools/burin/profile_report.h"

namespace burin::cli {
namespace {

using pipeline::ModelInfo;
using pipeline::TrainSession;
using Clock = std::chrono::steady_clock;

double secondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

FunctionRequest completed(FunctionRequest request, const ModelInfo& info,
                          int64_t tokens) {
  int64_t side = info.defaults.size / info.vaeStride;
  request.height = request.height ? request.height : side;
  request.width = request.width ? request.width : side;
  request.tokens = request.tokens ? request.tokens : tokens;
  return request;
}

pipeline::TrainOptions trainOptions(const BenchOptions& options,
                                    const FunctionRequest& request,
                                    const ModelInfo& info) {
  pipeline::TrainOptions train;
  train.precision = options.precision;
  train.batch = request.batch;
  train.parts = options.parts;
  train.height = request.height;
  train.width = request.width;
  train.tokens = request.tokens;
  train.prediction = info.scheduler.prediction;
  if (!options.module.empty()) {
    train.moduleFile = options.module + "/" + std::string(train::kStepModule);
    train.beginningFile =
        options.module + "/" + std::string(train::kBeginningModule);
  }
  return train;
}

void add(HostTensors& tensors, std::string name, Shape shape,
         const std::vector<float>& values) {
  HostTensors::Tensor& tensor = tensors.tensors.emplace_back();
  tensor.spec = {std::move(name), DType::kF32, std::move(shape)};
  tensor.bytes.resize(values.size() * sizeof(float));
  std::memcpy(tensor.bytes.data(), values.data(), tensor.bytes.size());
}

void addNormals(HostTensors& tensors, std::string name, Shape shape) {
  uint64_t seed = tensors.tensors.size();
  std::vector<float> values(static_cast<size_t>(*elementCount(shape)));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = philoxNormals(seed, i / 4)[i % 4];
  add(tensors, std::move(name), std::move(shape), values);
}

// Timesteps are spread over the schedule.
HostTensors makeBatch(const FunctionRequest& r, const ModelInfo& info) {
  HostTensors tensors;
  Shape image = {r.batch, r.height, r.width, info.latentChannels};
  addNormals(tensors, "target", image);
  addNormals(tensors, "source", image);
  addNormals(tensors, "encoder_hidden_states",
             {r.batch, r.tokens, info.textWidth});
  addNormals(tensors, "noise", image);
  schedule::NoiseLevels levels(info.scheduler);
  std::vector<float> timestep, signal, noiseLevel;
  for (int64_t i = 0; i < r.batch; ++i) {
    auto t = static_cast<int>((2 * i + 1) * levels.count() / (2 * r.batch));
    timestep.push_back(static_cast<float>(t));
    double alphaBar = levels.alphaBar(t);
    signal.push_back(static_cast<float>(std::sqrt(alphaBar)));
    noiseLevel.push_back(static_cast<float>(std::sqrt(1 - alphaBar)));
  }
  add(tensors, "timestep", {r.batch}, timestep);
  add(tensors, "signal", {r.batch}, signal);
  add(tensors, "noise_level", {r.batch}, noiseLevel);
  return tensors;
}

// In the order of makeBatch.
pipeline::TrainBatch batchOf(const HostTensors& tensors) {
  auto floats = [&](size_t i) {
    const std::vector<std::byte>& bytes = tensors.tensors[i].bytes;
    return std::span(reinterpret_cast<const float*>(bytes.data()),
                     bytes.size() / sizeof(float));
  };
  return {floats(0), floats(1), floats(2), floats(3),
          floats(4), floats(5), floats(6)};
}

// An update that changes nothing but the moments, of which the first becomes
// the gradient.
schedule::HyperParameters probe() {
  schedule::HyperParameters hyper;
  hyper.learningRate = hyper.weightDecay = hyper.beta1 = 0;
  hyper.maxGradientNorm = 0;
  hyper.averageDecay = 1;
  return hyper;
}

Result<HostTensors> gradientsOf(TrainSession& session) {
  BURIN_ASSIGN(pipeline::TrainedTensors gradients,
               session.exportTensors(TrainSession::Weights::kFirstMoment));
  HostTensors tensors;
  for (const TensorView& view : gradients.tensors)
    tensors.tensors.push_back(
        {{std::string(view.name), view.dtype,
          Shape(view.shape.begin(), view.shape.end())},
         std::vector<std::byte>(view.data.begin(), view.data.end())});
  return tensors;
}

class Stepper {
public:
  Stepper(TrainSession& session, const HostTensors& inputs)
      : session_(session), batch_(batchOf(inputs)) {}

  // The loss.
  Result<double> step(const schedule::HyperParameters& hyper,
                      std::span<double> seconds = {}) {
    pipeline::TrainReport report;
    BURIN_TRY(session_.step(batch_, hyper, &report, seconds));
    if (!report.finite)
      return invalidArgument("the gradient of random inputs is not finite; "
                             "another --precision may help");
    return report.loss;
  }

  Result<Timing> time(const schedule::HyperParameters& hyper, int repeat) {
    BURIN_TRY(step(hyper).status());
    std::vector<double> seconds;
    double processor = processorSeconds();
    for (int i = 0; i < repeat; ++i) {
      auto begin = Clock::now();
      BURIN_TRY(step(hyper).status());
      seconds.push_back(secondsSince(begin));
    }
    processor = (processorSeconds() - processor) / repeat;
    return timingOf(std::move(seconds), processor);
  }

  Result<std::string> profile(const schedule::HyperParameters& hyper) {
    std::vector<StepInfo> steps = session_.steps();
    std::vector<double> seconds(steps.size());
    BURIN_TRY(step(hyper, seconds).status());
    return profileText(steps, seconds);
  }

private:
  TrainSession& session_;
  pipeline::TrainBatch batch_;
};

} // namespace

Result<Measured> measureTraining(const BenchOptions& options) {
  auto begin = Clock::now();
  BURIN_ASSIGN(Checkpoint checkpoint, Checkpoint::open(options.model));
  BURIN_ASSIGN(ModelInfo info, pipeline::readModelInfo(checkpoint));
  BURIN_ASSIGN(text::ClipTokenizer tokenizer,
               pipeline::readTokenizer(checkpoint));
  Measured measured;
  measured.function = completed(options.function, info,
                                static_cast<int64_t>(tokenizer.maxTokens()));
  measured.config = info.unetConfig;
  measured.inputs = makeBatch(measured.function, info);
  BURIN_ASSIGN(std::shared_ptr<Device> device,
               openDevice(options.device, options.threads));
  BURIN_ASSIGN(auto session,
               TrainSession::open(
                   std::move(checkpoint),
                   trainOptions(options, measured.function, info), device));
  Stepper stepper(*session, measured.inputs);
  Measured::Training training;
  bool velocity = info.scheduler.prediction == schedule::Prediction::kVelocity;
  training.prediction = velocity ? "v_prediction" : "epsilon";
  training.hyper.learningRate = 1e-5;
  BURIN_ASSIGN(training.loss, stepper.step(probe()));
  training.firstSeconds = secondsSince(begin);
  measured.ownMemory = !device->sharesMemory();
  measured.peakBytes = measured.ownMemory
                           ? static_cast<double>(peakBytes(*device))
                           : hostPeakBytes();
  if (!options.against.empty() || !options.dump.empty()) {
    BURIN_ASSIGN(measured.outputs, gradientsOf(*session));
  }
  BURIN_ASSIGN(measured.timing, stepper.time(training.hyper, options.repeat));
  if (options.profile) {
    BURIN_ASSIGN(measured.profile, stepper.profile(training.hyper));
  }
  measured.opening = session->times();
  for (const StepInfo& step : session->steps()) {
    measured.flops += static_cast<double>(step.flops);
    measured.launches += step.verb == "launch" || step.verb == "call";
  }
  measured.training = std::move(training);
  return measured;
}

} // namespace burin::cli
