// SPDX-License-Identifier: Apache-2.0
// Opens the parts of a training in the order in which they can fail cheaply.
#include "models/train/train.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <optional>

#include <unistd.h>

#include "formats/file/atomic_file.h"
#include "models/adapters/targets.h"
#include "models/pipeline/edit.h"
#include "models/pipeline/model_info.h"
#include "models/train/adapter.h"
#include "models/train/export.h"
#include "models/train/folder_lock.h"
#include "models/train/initial.h"
#include "models/train/model_encoder.h"
#include "models/train/samples.h"
#include "models/train/session_learner.h"
#include "runtime/device/cpu/cpu_device.h"

namespace burin::train {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kEncoderModule = "encode.burinm",
                           kSampleModule = "samples.burinm";

// "memory: 34.90 GiB = 12.80 of parameters and batch + 22.10 of working memory;
// 310 of 4057 steps compute values again, 4.1 % more operations".
std::string memoryText(const pipeline::TrainMemory& memory) {
  constexpr double kGiB = 1 << 30;
  double fixed = static_cast<double>(memory.fixed) / kGiB;
  double working = static_cast<double>(memory.working) / kGiB;
  std::array<char, 256> text;
  int size = std::snprintf(
      text.data(), text.size(),
      "memory: %.2f GiB = %.2f of parameters and batch + %.2f of working "
      "memory",
      fixed + working, fixed, working);
  if (memory.repeated > 0)
    std::snprintf(text.data() + size, text.size() - size,
                  "; %zu of %zu steps compute values again, %.1f %% more "
                  "operations",
                  memory.repeated, memory.steps, 100 * memory.work);
  return text.data();
}

class Training {
public:
  Training(const TrainConfig& config, const TrainEvents& events,
           ProcessGroup& group)
      : config_(config), events_(events), group_(group) {}

  // What fails in one process fails in all, before they wait for each other in
  // steps.
  Result<TrainSummary> run() {
    BURIN_TRY(group_.agree(openParts()));
    BURIN_TRY(inTurns([this] { return openOutput(); }, /*others=*/false));
    BURIN_TRY(inTurns([this] { return openBeginning(); }));
    BURIN_TRY(inTurns([this] { return openData(); }));
    constexpr std::array<std::string_view, 1> kLearnt = {"unet."};
    std::string learnt = modelFingerprint(*beginning_, kLearnt);
    if (adapter_)
      learnt += " " + adapterFingerprint(*adapter_);
    BURIN_TRY(group_.agreeOn(learnt, "the fingerprint of the model"));
    BURIN_TRY(group_.agreeOn(std::to_string(data_->count()),
                             "the number of examples to learn from"));
    schedule::NoiseLevels levels(info_.scheduler);
    Batcher batcher(*data_, levels,
                    {config_.seed, config_.batch, info_.scaling,
                     config_.dropout, group_.rank(), group_.size()});
    if (group_.size() > 1) {
      stage("connecting " + std::to_string(group_.size()) + " processes");
      BURIN_ASSIGN(collective_, openCollective(*device_, group_));
    }
    BURIN_TRY(inTurns([this] { return openNetwork(); }));
    States states(config_.output, learnt, config_.checkpoint.keep);
    auto publish = [this] { return this->publish(); };
    std::function<Result<Image>()> sample;
    if (samples_)
      sample = [this] { return drawSamples(); };
    BURIN_ASSIGN(
        TrainSummary summary,
        runLoop({config_, *learner_, batcher, states, group_, publish, sample},
                events_));
    BURIN_TRY(group_.agree(okStatus())); // the first one has saved
    return summary;
  }

  Status compile(const ModuleJob& job) {
    processes_ = job.processes;
    BURIN_TRY(openModel());
    BURIN_TRY(checkShares());
    BURIN_TRY(checkPrecision(config_.precision, job.processor));
    std::error_code error;
    fs::create_directories(job.folder, error);
    if (error)
      return unavailable("cannot make the folder '" + job.folder +
                         "': " + error.message());
    CompileTarget target = {job.processor, config_.precision, Layout::kNchw};
    auto write = [&](std::string_view name,
                     const std::vector<FunctionRequest>& functions) -> Status {
      std::string path = job.folder + "/" + std::string(name);
      stage("compiling " + path);
      BURIN_ASSIGN(std::string request,
                   compileRequest(*start_, functions, target));
      BURIN_ASSIGN(ModuleBytes module, cachedModule(request));
      return writeFileAtomically(path, module.bytes());
    };
    BURIN_TRY(write(kBeginningModule,
                    pipeline::TrainSession::beginning(trainOptions())));
    BURIN_TRY(
        write(kStepModule, pipeline::TrainSession::functions(trainOptions())));
    target.layout = Layout::kNhwc;
    BURIN_TRY(write(kEncoderModule, encoderFunctions(shape_, size_)));
    if (config_.samples.every == 0)
      return okStatus();
    BURIN_ASSIGN(
        std::vector<FunctionRequest> edits,
        pipeline::editFunctions(*start_, {size_, size_},
                                static_cast<size_t>(config_.samples.count)));
    return write(kSampleModule, edits);
  }

private:
  // The first process alone and then, if at all, the others, so that they find
  // what it made: encoded data, compiled modules.
  Status inTurns(const std::function<Status()>& open, bool others = true) {
    BURIN_TRY(group_.agree(group_.isFirst() ? open() : okStatus()));
    if (!others || group_.size() == 1)
      return okStatus();
    return group_.agree(group_.isFirst() ? okStatus() : open());
  }

  Status openParts() {
    BURIN_TRY(openModel());
    BURIN_TRY(checkShares());
    BURIN_TRY(openDevices());
    return openSamples();
  }

  Status openOutput() {
    BURIN_TRY(makeOutput());
    BURIN_ASSIGN(FolderLock lock, FolderLock::take(config_.output));
    lock_ = std::move(lock);
    removeParts();
    return okStatus();
  }

  // Every process takes an equal part of the batch, in equal parts.
  Status checkShares() const {
    int64_t parts = processes_ * config_.accumulate;
    if (config_.batch % parts == 0)
      return okStatus();
    return invalidArgument(
        config_.file + ": 'batch' is " + std::to_string(config_.batch) + "; " +
        std::to_string(processes_) + " processes with 'accumulate' " +
        std::to_string(config_.accumulate) + " take multiples of " +
        std::to_string(parts));
  }

  Status openModel() {
    BURIN_ASSIGN(start_, Checkpoint::open(config_.model));
    BURIN_ASSIGN(info_, pipeline::readModelInfo(*start_));
    BURIN_ASSIGN(tokenizer_, pipeline::readTokenizer(*start_));
    size_ = config_.size > 0 ? config_.size : info_.defaults.size;
    if (size_ % info_.stride() != 0)
      return invalidArgument(config_.file + ": 'size' is " +
                             std::to_string(size_) + "; the model '" +
                             config_.model + "' reads multiples of " +
                             std::to_string(info_.stride()));
    BURIN_TRY(chooseLayers());
    int64_t side = size_ / info_.vaeStride;
    shape_ = {side, side, info_.latentChannels,
              static_cast<int64_t>(tokenizer_->maxTokens()), info_.textWidth};
    return okStatus();
  }

  // Those of an adapter.
  Status chooseLayers() {
    if (!config_.adapter)
      return okStatus();
    const AdapterConfig& adapter = *config_.adapter;
    auto layers = adapters::matchLayers(start_->tensors(), adapter.targets);
    if (!layers.ok())
      return invalidArgument(config_.file +
                             ": 'adapter.targets' of the model '" +
                             config_.model + "': " + layers.status().message());
    adapter_ = {adapter.rank, adapter.alpha, *std::move(layers), config_.seed};
    return okStatus();
  }

  Status openDevices() {
    BURIN_ASSIGN(device_, openDevice(deviceName(), threads()));
    BURIN_ASSIGN(std::string processor, targetOf(*device_));
    return checkPrecision(config_.precision, processor);
  }

  // On a host with several processes each has a card of its own.
  std::string deviceName() const {
    return config_.device == "cuda" && group_.localSize() > 1
               ? "cuda:" + std::to_string(group_.localRank())
               : config_.device;
  }

  // Processes that are not kept to processors of their own share them.
  int threads() const {
    if (config_.threads > 0 || group_.localSize() == 1)
      return config_.threads;
    int own = availableProcessors();
    bool kept = own < ::sysconf(_SC_NPROCESSORS_ONLN);
    return kept ? own : std::max(1, own / group_.localSize());
  }

  Status openSamples() {
    BURIN_TRY(listShards(config_.data).status());
    if (config_.samples.every == 0)
      return okStatus();
    bool own = !config_.samples.data.empty();
    BURIN_ASSIGN(std::vector<std::string> shards,
                 listShards(own ? config_.samples.data : config_.data));
    BURIN_ASSIGN(samples_, SampleSet::read(shards, config_.samples.count));
    return okStatus();
  }

  Status makeOutput() {
    std::error_code error;
    if (fs::equivalent(config_.model, modelPath(config_), error))
      return invalidArgument(config_.file + ": 'model' is '" + config_.model +
                             "', which the training would replace; choose "
                             "another folder for 'output'");
    fs::create_directories(config_.output + "/samples", error);
    if (error)
      return unavailable(config_.file +
                         ": cannot make the folder of 'output', '" +
                         config_.output + "': " + error.message());
    return okStatus();
  }

  // What a killed process left of files that it was writing: hidden, and of
  // nobody while the lock is ours.
  void removeParts() const {
    std::error_code error;
    for (fs::directory_iterator entry(config_.output, error), end;
         !error && entry != end; entry.increment(error)) {
      std::string name = entry->path().filename().string();
      std::error_code ignored;
      if (name.starts_with(".") && name.ends_with(".part"))
        fs::remove(entry->path(), ignored);
    }
  }

  // What the network begins from.
  Status openBeginning() {
    std::string path = config_.model;
    if (config_.initial == TrainConfig::Initial::kRandom) {
      path = config_.output + "/initial.burin";
      if (group_.isFirst()) {
        BURIN_ASSIGN(pipeline::TrainedTensors random,
                     randomTensors(*start_, "unet.", config_.seed));
        BURIN_TRY(exportModel(*start_, random, path));
      }
    }
    BURIN_ASSIGN(beginning_, Checkpoint::open(path));
    return okStatus();
  }

  // The file of a module, or none where they are compiled.
  std::string moduleFile(std::string_view name) const {
    return config_.modules.empty() ? std::string()
                                   : config_.modules + "/" + std::string(name);
  }

  SessionOptions sessionOptions(std::string_view module) const {
    SessionOptions options;
    options.moduleFile = moduleFile(module);
    options.device = deviceName();
    options.threads = threads();
    options.precision = config_.precision;
    options.compile.onCompile = [this] {
      stage("compiling (kept for next time)");
    };
    return options;
  }

  Status openData() {
    constexpr std::array<std::string_view, 3> kEncoders = {
        "vae.", "text_encoder.", "tokenizer."};
    DatasetOptions options;
    options.folder = config_.data;
    options.cache = config_.cache;
    options.encoderFingerprint =
        modelFingerprint(*start_, kEncoders) + " " + config_.precision;
    options.shape = shape_;
    options.size = size_;
    auto makeEncoder = [this]() -> Result<std::unique_ptr<ExampleEncoder>> {
      BURIN_ASSIGN(Checkpoint model, Checkpoint::open(config_.model));
      return openModelEncoder(std::move(model), shape_, size_,
                              sessionOptions(kEncoderModule), device_);
    };
    DatasetEvents dataEvents;
    size_t faults = 0;
    dataEvents.onFault = [&](const std::string& text) {
      constexpr size_t kShown = 20;
      if (++faults <= kShown)
        note(text);
    };
    dataEvents.onProgress = [this](int64_t done, int64_t total) -> Status {
      if (events_.encoding)
        events_.encoding(done, total);
      if (!events_.stopped())
        return okStatus();
      return Status(Code::kCancelled, "stopped as asked after encoding " +
                                          std::to_string(done) + " of " +
                                          std::to_string(total) +
                                          " examples; whole shards are kept");
    };
    BURIN_ASSIGN(Dataset data,
                 Dataset::open(options, *tokenizer_, makeEncoder, dataEvents));
    note(std::to_string(data.count()) + " examples to learn from" +
         (faults > 0
              ? ", " + std::to_string(faults) + " examples or shards left out"
              : ""));
    data_ = std::move(data);
    return okStatus();
  }

  pipeline::TrainOptions trainOptions() const {
    pipeline::TrainOptions options;
    options.device = deviceName();
    options.threads = threads();
    options.precision = config_.precision;
    options.batch = config_.batch / processes_;
    options.processes = processes_;
    options.parts = config_.accumulate;
    options.height = shape_.height;
    options.width = shape_.width;
    options.tokens = shape_.tokens;
    options.prediction = info_.scheduler.prediction;
    options.adapter = adapter_;
    options.memoryBudget = static_cast<int64_t>(config_.memoryBudget * 1024);
    options.onMemory = [this](const pipeline::TrainMemory& memory) {
      note(memoryText(memory));
    };
    options.compile = sessionOptions(kStepModule).compile;
    options.moduleFile = moduleFile(kStepModule);
    options.beginningFile = moduleFile(kBeginningModule);
    return options;
  }

  Status openNetwork() {
    stage("opening the network");
    BURIN_ASSIGN(Checkpoint model, Checkpoint::open(beginning_->path()));
    BURIN_ASSIGN(learner_, openLearner(std::move(model), trainOptions(),
                                       device_, collective_));
    return okStatus();
  }

  Status publish() {
    BURIN_ASSIGN(pipeline::TrainedTensors trained, learner_->average());
    if (config_.adapter)
      return exportAdapter(*config_.adapter, trained, modelPath(config_));
    return exportModel(*start_, trained, modelPath(config_));
  }

  // Of what was published.
  Result<Image> drawSamples() const {
    SessionOptions options = sessionOptions(kSampleModule);
    if (!config_.adapter)
      return samples_->draw(modelPath(config_), size_, options);
    options.adapters = {{modelPath(config_), 1}};
    return samples_->draw(config_.model, size_, options);
  }

  void stage(const std::string& text) const {
    if (events_.stage)
      events_.stage(text);
  }
  void note(const std::string& text) const {
    if (events_.note)
      events_.note(text);
  }

  const TrainConfig& config_;
  const TrainEvents& events_;
  ProcessGroup& group_;
  int64_t processes_ = group_.size();
  std::optional<Checkpoint> start_, beginning_;
  pipeline::ModelInfo info_;
  std::optional<text::ClipTokenizer> tokenizer_;
  int size_ = 0;
  std::optional<pipeline::TrainAdapter> adapter_;
  EncodedShape shape_;
  std::shared_ptr<Device> device_;
  std::shared_ptr<Collective> collective_;
  std::optional<FolderLock> lock_;
  std::optional<Dataset> data_;
  std::optional<SampleSet> samples_;
  std::unique_ptr<Learner> learner_;
};

} // namespace

std::string modelPath(const TrainConfig& config) {
  if (config.adapter)
    return config.output + (config.adapter->layout == adapters::Layout::kPeft
                                ? "/adapter"
                                : "/adapter.safetensors");
  return config.output + "/model.burin";
}

Result<TrainSummary> train(const TrainConfig& config, const TrainEvents& events,
                           ProcessGroup& group) {
  return Training(config, events, group).run();
}

Status compileModules(const TrainConfig& config, const ModuleJob& job,
                      const TrainEvents& events) {
  SingleProcess alone;
  return Training(config, events, alone).compile(job);
}

} // namespace burin::train
