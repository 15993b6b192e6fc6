// SPDX-License-Identifier: Apache-2.0
// Flat buffers in the device's memory, and the functions that work on them.
#include "models/pipeline/train_session.h"

#include <algorithm>
#include <charconv>

#include "formats/checkpoint/writer.h"
#include "formats/file/sha256.h"

namespace burin::pipeline {
namespace {

// What a state consists of.
constexpr std::string_view kParameters = "parameters", kAverage = "average";
constexpr std::array<std::string_view, 4> kState = {kParameters, "first_moment",
                                                    "second_moment", kAverage};
constexpr std::string_view kLayoutKey = "train.layout";
constexpr std::string_view kUpdatesKey = "train.updates";

size_t bytesOf(const TensorSpec& spec) {
  return static_cast<size_t>(*byteCount(spec.dtype, spec.shape));
}

FunctionRequest stepRequest(const TrainOptions& options) {
  FunctionRequest step;
  step.name = "train_step";
  step.batch = options.batch;
  step.height = options.height;
  step.width = options.width;
  step.tokens = options.tokens;
  bool velocity = options.prediction == schedule::Prediction::kVelocity;
  step.prediction = velocity ? "v_prediction" : "epsilon";
  step.decay = options.decayWeightsAlone ? "weights" : "all";
  return step;
}

FunctionRequest plainRequest(const char* name) {
  FunctionRequest request;
  request.name = name;
  return request;
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
  return {stepRequest(options), plainRequest("train_export")};
}

std::vector<FunctionRequest> TrainSession::beginning() {
  return {plainRequest("train_initialize")};
}

Result<std::unique_ptr<TrainSession>>
TrainSession::open(Checkpoint checkpoint, const TrainOptions& options,
                   std::shared_ptr<Device> device) {
  if (!device) {
    BURIN_ASSIGN(device, openDevice(options.device, options.threads));
  }
  std::unique_ptr<TrainSession> result(new TrainSession);
  SessionOptions session = sessionOptions(options);
  session.moduleFile = options.moduleFile;
  BURIN_ASSIGN(result->session_,
               Session::open(std::move(checkpoint), functions(options), session,
                             device));
  BURIN_TRY(result->allocate());
  BURIN_TRY(
      result->initialize(options).within("the weights' way into training"));
  return result;
}

// Inputs and outputs of one name share a buffer: the step works in place.
Status TrainSession::allocate() {
  Program& program = session_->program();
  BURIN_ASSIGN(step_, program.find("train_step"));
  BURIN_ASSIGN(export_, program.find("train_export"));
  tensors_ = export_->outputs;
  auto add = [&](const TensorSpec& spec) -> Result<std::byte*> {
    auto known = buffers_.find(spec.name);
    if (known == buffers_.end()) {
      BURIN_ASSIGN(Memory memory, session_->device().allocate(bytesOf(spec)));
      known =
          buffers_.emplace(spec.name, Buffer{std::move(memory), spec}).first;
    }
    return known->second.memory.data();
  };
  for (const TensorSpec& spec : step_->inputs) {
    BURIN_ASSIGN(std::byte * data, add(spec));
    inputs_.push_back(data);
  }
  for (const TensorSpec& spec : step_->outputs) {
    BURIN_ASSIGN(std::byte * data, add(spec));
    outputs_.push_back(data);
  }
  return okStatus();
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
  BURIN_ASSIGN(auto begin, Session::open(std::move(checkpoint), beginning(),
                                         session, device));
  BURIN_ASSIGN(const FunctionInfo* function,
               begin->program().find("train_initialize"));
  for (std::string_view name : {kParameters, kAverage}) {
    std::array<std::byte*, 1> to = {buffers_.find(name)->second.memory.data()};
    BURIN_TRY(begin->program().enqueue(*function, {}, to));
  }
  return session_->device().synchronize();
}

Status TrainSession::upload(std::string_view name,
                            std::span<const float> values) {
  Buffer& buffer = buffers_.find(name)->second;
  auto bytes = std::as_bytes(values);
  if (bytes.size() != bytesOf(buffer.spec))
    return invalidArgument("'" + std::string(name) + "' of the batch has " +
                           std::to_string(values.size()) +
                           " numbers; the step was compiled for " +
                           toString(buffer.spec.shape));
  return session_->device().upload(buffer.memory.data(), bytes);
}

Status TrainSession::step(const TrainBatch& batch,
                          const schedule::HyperParameters& hyper,
                          TrainReport* report) {
  BURIN_TRY(upload("target", batch.target));
  BURIN_TRY(upload("source", batch.source));
  BURIN_TRY(upload("encoder_hidden_states", batch.states));
  BURIN_TRY(upload("noise", batch.noise));
  BURIN_TRY(upload("timestep", batch.timestep));
  BURIN_TRY(upload("signal", batch.signal));
  BURIN_TRY(upload("noise_level", batch.noiseLevel));
  BURIN_TRY(upload("hyper", schedule::hyperTensor(hyper, updates_ + 1)));
  BURIN_TRY(session_->program()
                .enqueue(*step_, inputs_, outputs_)
                .within("train_step"));
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
  std::string_view name = which == Weights::kAverage ? kAverage : kParameters;
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
