// SPDX-License-Identifier: Apache-2.0
// Flat buffers in the device's memory, and the functions that work on them.
#include "models/pipeline/train_session.h"

#include <algorithm>
#include <charconv>

#include "formats/checkpoint/writer.h"
#include "formats/file/sha256.h"
#include "models/adapters/initialize.h"

namespace burin::pipeline {
namespace {

// What a state consists of.
constexpr std::string_view kParameters = "parameters", kAverage = "average";
constexpr std::string_view kFirstMoment = "first_moment";
constexpr std::array<std::string_view, 4> kState = {kParameters, kFirstMoment,
                                                    "second_moment", kAverage};
constexpr std::string_view kLayoutKey = "train.layout";
constexpr std::string_view kUpdatesKey = "train.updates";

size_t bytesOf(const TensorSpec& spec) {
  return static_cast<size_t>(*byteCount(spec.dtype, spec.shape));
}

FunctionRequest plainRequest(const char* name, const TrainOptions& options) {
  FunctionRequest request;
  request.name = name;
  if (options.adapter)
    request.adapter = {options.adapter->rank, options.adapter->scale(),
                       options.adapter->layers};
  return request;
}

// `name` is train_step or train_gradient.
FunctionRequest batchRequest(const char* name, const TrainOptions& options) {
  FunctionRequest step = plainRequest(name, options);
  step.batch = options.batch / options.parts;
  step.height = options.height;
  step.width = options.width;
  step.tokens = options.tokens;
  bool velocity = options.prediction == schedule::Prediction::kVelocity;
  step.prediction = velocity ? "v_prediction" : "epsilon";
  step.memoryBudget = options.memoryBudget;
  return step;
}

std::string_view bufferOf(TrainSession::Weights which) {
  switch (which) {
  case TrainSession::Weights::kTrained:
    return kParameters;
  case TrainSession::Weights::kAverage:
    return kAverage;
  case TrainSession::Weights::kFirstMoment:
    return kFirstMoment;
  }
  return kParameters;
}

SessionOptions sessionOptions(const TrainOptions& options) {
  SessionOptions session;
  session.precision = options.precision;
  session.compile = options.compile;
  return session;
}

} // namespace

std::vector<FunctionRequest>
TrainSession::functions(const TrainOptions& options) {
  const char* decay = options.decayWeightsAlone ? "weights" : "all";
  std::vector<FunctionRequest> requests = {
      plainRequest("train_export", options)};
  if (options.parts == 1 && options.processes == 1) {
    requests.push_back(batchRequest("train_step", options));
    requests.back().decay = decay;
    return requests;
  }
  requests.push_back(batchRequest("train_gradient", options));
  if (options.parts > 1)
    requests.push_back(plainRequest("train_accumulate", options));
  requests.push_back(plainRequest("train_update", options));
  requests.back().decay = decay;
  return requests;
}

std::vector<FunctionRequest>
TrainSession::beginning(const TrainOptions& options) {
  return {plainRequest("train_initialize", options)};
}

Result<std::unique_ptr<TrainSession>>
TrainSession::open(Checkpoint checkpoint, const TrainOptions& options,
                   std::shared_ptr<Device> device,
                   std::shared_ptr<Collective> collective) {
  if (!device) {
    BURIN_ASSIGN(device, openDevice(options.device, options.threads));
  }
  if (options.parts < 1 || options.batch % options.parts != 0)
    return invalidArgument("a batch of " + std::to_string(options.batch) +
                           " does not go in " + std::to_string(options.parts) +
                           " equal parts");
  if (options.processes != (collective ? collective->size() : 1))
    return internalError("a step of " + std::to_string(options.processes) +
                         " processes has a collective of others");
  std::unique_ptr<TrainSession> result(
      new TrainSession(options.parts, std::move(collective)));
  SessionOptions session = sessionOptions(options);
  session.moduleFile = options.moduleFile;
  BURIN_ASSIGN(result->session_,
               Session::open(std::move(checkpoint), functions(options), session,
                             device));
  BURIN_TRY(result->allocate());
  if (options.onMemory)
    options.onMemory(result->memory());
  BURIN_TRY(
      result->initialize(options).within("the weights' way into training"));
  return result;
}

Status TrainSession::allocate() {
  BURIN_ASSIGN(export_, session_->program().find("train_export"));
  tensors_ = export_->outputs;
  if (!sums()) {
    BURIN_ASSIGN(step_, call("train_step"));
    return okStatus();
  }
  BURIN_ASSIGN(gradient_, call("train_gradient"));
  BURIN_ASSIGN(update_, call("train_update"));
  if (parts_ == 1)
    return okStatus();
  BURIN_ASSIGN(accumulate_, call("train_accumulate"));
  further_ = gradient_;
  further_.outputs = {buffers_.find("part")->second.memory.data()};
  return okStatus();
}

TrainMemory TrainSession::memory() const {
  constexpr std::string_view kAgain = ".again"; // ends names of layers
  TrainMemory result;
  for (const auto& [name, buffer] : buffers_)
    result.fixed += bytesOf(buffer.spec);
  result.working = session_->program().arenaBytes();
  const FunctionInfo& function = sums() ? *gradient_.function : *step_.function;
  result.steps = function.steps.size();
  double first = 0, again = 0;
  for (const StepInfo& step : function.steps) {
    bool repeats = step.location.ends_with(kAgain);
    result.repeated += repeats ? 1 : 0;
    (repeats ? again : first) += static_cast<double>(step.flops);
  }
  result.work = first > 0 ? again / first : 0;
  return result;
}

// Inputs and outputs of one name share a buffer: a step works in place.
Result<TrainSession::Call> TrainSession::call(std::string_view function) {
  Call call;
  BURIN_ASSIGN(call.function, session_->program().find(function));
  auto add = [&](const TensorSpec& spec) -> Result<std::byte*> {
    auto known = buffers_.find(spec.name);
    if (known == buffers_.end()) {
      BURIN_ASSIGN(Memory memory, session_->device().allocate(bytesOf(spec)));
      known =
          buffers_.emplace(spec.name, Buffer{std::move(memory), spec}).first;
    }
    return known->second.memory.data();
  };
  for (const TensorSpec& spec : call.function->inputs) {
    BURIN_ASSIGN(std::byte * data, add(spec));
    call.inputs.push_back(data);
  }
  for (const TensorSpec& spec : call.function->outputs) {
    BURIN_ASSIGN(std::byte * data, add(spec));
    call.outputs.push_back(data);
  }
  return call;
}

// In a session of its own: a device with memory of its own would otherwise
// keep the checkpoint's tensors for as long as training lasts.
Status TrainSession::initialize(const TrainOptions& options) {
  BURIN_ASSIGN(Checkpoint checkpoint,
               Checkpoint::open(session_->checkpoint().path()));
  // The session does not own the device, which outlives both.
  std::shared_ptr<Device> device(std::shared_ptr<void>(), &session_->device());
  SessionOptions session = sessionOptions(options);
  session.moduleFile = options.beginningFile;
  BURIN_ASSIGN(auto begin, Session::open(std::move(checkpoint),
                                         beginning(options), session, device));
  BURIN_ASSIGN(const FunctionInfo* function,
               begin->program().find("train_initialize"));
  if (function->inputs.empty() == options.adapter.has_value() ||
      function->outputs[0].shape !=
          buffers_.find(kParameters)->second.spec.shape)
    return invalidArgument("the modules that were given are of another "
                           "training; compile them from this configuration");
  // An adapter's factors, which no checkpoint has.
  std::vector<Memory> memories;
  std::vector<std::byte*> factors;
  for (const TensorSpec& spec : function->inputs) {
    std::vector<float> values(bytesOf(spec) / sizeof(float));
    adapters::initializeFactor(spec.name, spec.shape, options.adapter->seed,
                               factors.size(), values);
    BURIN_ASSIGN(Memory memory, device->allocate(bytesOf(spec)));
    factors.push_back(memory.data());
    memories.push_back(std::move(memory));
    BURIN_TRY(device->upload(factors.back(), std::as_bytes(std::span(values))));
  }
  for (std::string_view name : {kParameters, kAverage}) {
    std::array<std::byte*, 1> to = {buffers_.find(name)->second.memory.data()};
    BURIN_TRY(begin->program().enqueue(*function, factors, to));
  }
  return session_->device().synchronize();
}

// The part's share of the values for all parts.
Status TrainSession::upload(std::string_view name,
                            std::span<const float> values, int64_t part,
                            int64_t parts) {
  Buffer& buffer = buffers_.find(name)->second;
  size_t size = bytesOf(buffer.spec);
  auto bytes = std::as_bytes(values);
  if (bytes.size() != size * static_cast<size_t>(parts))
    return invalidArgument("'" + std::string(name) + "' of the batch has " +
                           std::to_string(values.size()) +
                           " numbers; the step was compiled for " +
                           (parts > 1 ? std::to_string(parts) + " of " : "") +
                           toString(buffer.spec.shape));
  return session_->device().upload(
      buffer.memory.data(),
      bytes.subspan(size * static_cast<size_t>(part), size));
}

Status TrainSession::upload(const TrainBatch& batch, int64_t part) {
  BURIN_TRY(upload("target", batch.target, part, parts_));
  BURIN_TRY(upload("source", batch.source, part, parts_));
  BURIN_TRY(upload("encoder_hidden_states", batch.states, part, parts_));
  BURIN_TRY(upload("noise", batch.noise, part, parts_));
  BURIN_TRY(upload("timestep", batch.timestep, part, parts_));
  BURIN_TRY(upload("signal", batch.signal, part, parts_));
  return upload("noise_level", batch.noiseLevel, part, parts_);
}

std::vector<const TrainSession::Call*> TrainSession::calls() const {
  if (!sums())
    return {&step_};
  std::vector<const Call*> calls = {&gradient_};
  for (int64_t part = 1; part < parts_; ++part)
    calls.insert(calls.end(), {&further_, &accumulate_});
  calls.push_back(&update_);
  return calls;
}

std::vector<StepInfo> TrainSession::steps() const {
  std::vector<StepInfo> steps;
  for (const Call* call : calls())
    steps.insert(steps.end(), call->function->steps.begin(),
                 call->function->steps.end());
  return steps;
}

Status TrainSession::enqueue(const Call& call, std::span<double>& seconds) {
  ExecuteOptions execute;
  if (!seconds.empty()) {
    execute.seconds = seconds.first(call.function->steps.size());
    seconds = seconds.subspan(call.function->steps.size());
  }
  return session_->program()
      .enqueue(*call.function, call.inputs, call.outputs, execute)
      .within(std::string(call.function->name));
}

// Gradients of all parts and processes are added up before the update.
Status TrainSession::enqueueParts(const TrainBatch& batch,
                                  std::span<double>& seconds) {
  for (int64_t part = 0; part < parts_; ++part) {
    BURIN_TRY(upload(batch, part));
    BURIN_TRY(enqueue(part == 0 ? gradient_ : further_, seconds));
    if (part > 0)
      BURIN_TRY(enqueue(accumulate_, seconds));
  }
  if (collective_) {
    const Buffer& gradients = buffers_.find("gradients")->second;
    BURIN_TRY(
        collective_->sum(reinterpret_cast<float*>(gradients.memory.data()),
                         bytesOf(gradients.spec) / sizeof(float)));
  }
  return enqueue(update_, seconds);
}

Status TrainSession::step(const TrainBatch& batch,
                          const schedule::HyperParameters& hyper,
                          TrainReport* report, std::span<double> seconds) {
  int64_t parts = parts_ * (collective_ ? collective_->size() : 1);
  BURIN_TRY(
      upload("hyper", schedule::hyperTensor(hyper, updates_ + 1, parts), 0, 1));
  if (!sums()) {
    BURIN_TRY(upload(batch, 0));
    BURIN_TRY(enqueue(step_, seconds));
  } else {
    BURIN_TRY(enqueueParts(batch, seconds));
  }
  std::array<float, schedule::kReportElements> told;
  BURIN_TRY(session_->device().download(
      std::as_writable_bytes(std::span(told)),
      buffers_.find("report")->second.memory.data()));
  report->loss = told[schedule::kLoss];
  report->gradientNorm = told[schedule::kGradientNorm];
  report->finite = told[schedule::kFinite] != 0;
  updates_ += report->finite ? 1 : 0;
  return okStatus();
}

int64_t TrainSession::parameterCount() const {
  int64_t count = 0;
  for (const TensorSpec& tensor : tensors_)
    count += *elementCount(tensor.shape);
  return count;
}

size_t TrainSession::deviceBytes() const {
  const Program& program = session_->program();
  size_t bytes = program.arenaBytes() + program.stateBytes();
  for (const auto& [name, buffer] : buffers_)
    bytes += bytesOf(buffer.spec);
  return bytes;
}

Result<TrainedTensors> TrainSession::exportTensors(Weights which) {
  constexpr size_t kAlignment = 64;
  std::vector<size_t> offsets;
  size_t total = 0;
  for (const TensorSpec& tensor : tensors_) {
    offsets.push_back(total);
    total += (bytesOf(tensor) + kAlignment - 1) / kAlignment * kAlignment;
  }
  Device& device = session_->device();
  BURIN_ASSIGN(Memory memory, device.allocate(total));
  std::string_view name = bufferOf(which);
  std::array<std::byte*, 1> from = {buffers_.find(name)->second.memory.data()};
  std::vector<std::byte*> to;
  for (size_t offset : offsets)
    to.push_back(memory.data() + offset);
  BURIN_TRY(
      session_->program().enqueue(*export_, from, to).within("train_export"));
  TrainedTensors result;
  result.storage.resize(total);
  BURIN_TRY(device.download(result.storage, memory.data()));
  for (size_t i = 0; i < tensors_.size(); ++i)
    result.tensors.push_back(
        {tensors_[i].name, tensors_[i].dtype, tensors_[i].shape,
         std::span(result.storage).subspan(offsets[i], bytesOf(tensors_[i]))});
  std::ranges::sort(result.tensors, {}, &TensorView::name);
  return result;
}

// What lies where in the flat buffers.
std::string TrainSession::layoutFingerprint() const {
  std::string text =
      toString(buffers_.find(kParameters)->second.spec.shape) + "\n";
  for (const TensorSpec& tensor : tensors_)
    text += tensor.name + " " + toString(tensor.shape) + "\n";
  return sha256Hex(std::as_bytes(std::span(text)));
}

Status TrainSession::saveState(const std::string& path, const Metadata& extra) {
  std::vector<TensorSpec> specs;
  for (std::string_view name : kState)
    specs.push_back(buffers_.find(name)->second.spec);
  Metadata metadata = extra;
  metadata[std::string(kLayoutKey)] = layoutFingerprint();
  metadata[std::string(kUpdatesKey)] = std::to_string(updates_);
  BURIN_ASSIGN(CheckpointWriter writer,
               CheckpointWriter::create(path, specs, std::move(metadata)));
  std::vector<std::byte> bytes(bytesOf(specs.front()));
  for (const TensorSpec& spec : specs) {
    const Memory& memory = buffers_.find(spec.name)->second.memory;
    BURIN_TRY(session_->device().download(bytes, memory.data()));
    BURIN_TRY(writer.write(bytes));
  }
  return writer.commit();
}

Result<TrainSession::Metadata>
TrainSession::restoreState(const std::string& path) {
  BURIN_ASSIGN(Checkpoint state, Checkpoint::open(path));
  Metadata metadata;
  for (const auto& [key, value] : state.metadata())
    metadata.emplace(key, value);
  auto layout = metadata.extract(std::string(kLayoutKey));
  auto updates = metadata.extract(std::string(kUpdatesKey));
  if (layout.empty() || updates.empty())
    return invalidArgument("'" + path + "' is not a state of training");
  if (layout.mapped() != layoutFingerprint())
    return invalidArgument("'" + path +
                           "' is the training of another network "
                           "than '" +
                           checkpoint().path() +
                           "': their tensors differ; begin with the checkpoint "
                           "that the state was made from");
  const std::string& digits = updates.mapped();
  int64_t count = 0;
  auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), count);
  if (error != std::errc() || *end != '\0' || count < 0)
    return dataLoss("'" + path + "' says that it has seen '" + digits +
                    "' updates");
  std::vector<TensorView> tensors;
  for (std::string_view name : kState) {
    BURIN_ASSIGN(TensorView tensor, state.tensor(name));
    const TensorSpec& spec = buffers_.find(name)->second.spec;
    if (tensor.dtype != spec.dtype ||
        !std::ranges::equal(tensor.shape, spec.shape))
      return dataLoss("'" + std::string(name) + "' of '" + path +
                      "' does not have the shape " + toString(spec.shape));
    tensors.push_back(tensor);
  }
  for (const TensorView& tensor : tensors)
    BURIN_TRY(session_->device().upload(
        buffers_.find(tensor.name)->second.memory.data(), tensor.data));
  updates_ = count;
  return metadata;
}

} // namespace burin::pipeline
