// SPDX-License-Identifier: Apache-2.0
// Encoders and network in plain loops.
#include "tests/train/world.h"

#include <cmath>
#include <cstring>
#include <filesystem>

#include <nlohmann/json.hpp>

#include "formats/checkpoint/writer.h"
#include "models/pipeline/model_info.h"
#include "models/train/export.h"
#include "tests/models/pipeline/tiny_model.h"

namespace burin::train {
namespace {

class FakeEncoder : public ExampleEncoder {
public:
  explicit FakeEncoder(EncoderCounts* counts) : counts_(counts) {}

  size_t pictureLimit() const override { return 4; }
  size_t textLimit() const override { return 3; }
  Status encodePictures(std::span<const Image> images,
                        std::span<float> means) override {
    size_t size = means.size() / images.size();
    EXPECT_EQ(size, kTinyShape.latents());
    for (size_t i = 0; i < images.size(); ++i)
      for (size_t j = 0; j < size; ++j) {
        const std::vector<uint8_t>& pixels = images[i].pixels;
        means[i * size + j] = pixels[j * 11 % pixels.size()] / 64.0f - 2;
        if (pixels[0] == 255)
          means[i * size + j] = 1e6f; // beyond float16
      }
    count(images.size(), 0);
    return okStatus();
  }
  Status encodeTexts(std::span<const int64_t> ids,
                     std::span<float> states) override {
    for (size_t i = 0; i < states.size(); ++i)
      states[i] = static_cast<float>(ids[i / 3] % 64) / 32 - 1;
    count(0, ids.size() / static_cast<size_t>(kTinyShape.tokens));
    return okStatus();
  }

private:
  void count(size_t pictures, size_t texts) {
    if (!counts_)
      return;
    counts_->pictures += pictures;
    counts_->texts += texts;
  }
  EncoderCounts* counts_;
};

std::span<const std::byte> bytesOf(const std::vector<float>& values) {
  return std::as_bytes(std::span(values));
}

} // namespace

EncoderFactory fakeEncoder(EncoderCounts* counts) {
  return [counts]() -> Result<std::unique_ptr<ExampleEncoder>> {
    if (counts)
      ++counts->opened;
    return std::unique_ptr<ExampleEncoder>(new FakeEncoder(counts));
  };
}

void writeTinyShard(const std::string& path, int count, int seed,
                    std::vector<std::string> texts) {
  ShardData data(count, 8);
  for (size_t i = 0; i < data.sources.size(); ++i) {
    data.sources[i] = static_cast<uint8_t>((i * 7 + seed * 31 + i / 192) % 251);
    data.targets[i] = static_cast<uint8_t>((i * 5 + seed * 17 + i / 100) % 241);
  }
  for (int i = 0; i < count; ++i)
    data.texts[static_cast<size_t>(i)] = "make it " + std::to_string(i % 4);
  if (!texts.empty())
    data.texts = std::move(texts);
  Status status = writeShard(path, data, {{"kinds", "look"}});
  EXPECT_TRUE(status.ok()) << status.message();
}

std::unique_ptr<FakeLearner> FakeLearner::create(const std::string& model) {
  Result<Checkpoint> start = Checkpoint::open(model);
  EXPECT_TRUE(start.ok()) << start.status().message();
  auto learner = std::make_unique<FakeLearner>();
  for (const TensorView& tensor : start->tensors())
    if (tensor.name.starts_with("unet.") && tensor.dtype == DType::kF32) {
      learner->name_ = tensor.name;
      learner->shape_ = Shape(tensor.shape.begin(), tensor.shape.end());
      learner->weights.resize(tensor.data.size() / sizeof(float));
      std::memcpy(learner->weights.data(), tensor.data.data(),
                  tensor.data.size());
      break;
    }
  EXPECT_FALSE(learner->weights.empty());
  learner->average_ = learner->weights;
  return learner;
}

Status FakeLearner::step(const pipeline::TrainBatch& batch,
                         const schedule::HyperParameters& hyper,
                         pipeline::TrainReport& report) {
  if (onStep)
    onStep();
  report = {0, 0, finite};
  if (!finite)
    return okStatus();
  size_t rows = batch.timestep.size();
  std::vector<double> gradient(weights.size());
  for (size_t row = 0; row < rows; ++row) {
    auto number = [&](std::span<const float> values, size_t i) {
      size_t size = values.size() / rows;
      return double{values[row * size + i % size]};
    };
    auto x = [&](size_t i) {
      return number(batch.noise, i) * batch.noiseLevel[row] +
             number(batch.target, i) * batch.signal[row] +
             number(batch.source, i) + number(batch.states, i);
    };
    double error = -number(batch.target, 0);
    for (size_t i = 0; i < weights.size(); ++i)
      error += weights[i] * x(i);
    report.loss += error * error / static_cast<double>(rows);
    for (size_t i = 0; i < weights.size(); ++i)
      gradient[i] += 2 * error * x(i) / static_cast<double>(rows);
  }
  for (double g : gradient)
    report.gradientNorm += g * g;
  report.gradientNorm = std::sqrt(report.gradientNorm);
  double rate = hyper.learningRate / (1 + report.gradientNorm);
  for (size_t i = 0; i < weights.size(); ++i) {
    weights[i] -= static_cast<float>(rate * gradient[i]);
    average_[i] +=
        static_cast<float>(1 - hyper.averageDecay) * (weights[i] - average_[i]);
  }
  return okStatus();
}

Status FakeLearner::saveState(const std::string& path,
                              const Metadata& metadata) {
  BURIN_ASSIGN(CheckpointWriter writer,
               CheckpointWriter::create(path,
                                        {{"average", DType::kF32, shape_},
                                         {"weights", DType::kF32, shape_}},
                                        metadata));
  BURIN_TRY(writer.write(bytesOf(average_)));
  if (onSaving)
    BURIN_TRY(onSaving());
  BURIN_TRY(writer.write(bytesOf(weights)));
  return writer.commit();
}

Result<Learner::Metadata> FakeLearner::restoreState(const std::string& path) {
  BURIN_ASSIGN(Checkpoint state, Checkpoint::open(path));
  BURIN_ASSIGN(TensorView savedAverage, state.tensor("average"));
  BURIN_ASSIGN(TensorView savedWeights, state.tensor("weights"));
  if (savedWeights.data.size() != bytesOf(weights).size())
    return dataLoss("'" + path + "' is of another network");
  std::memcpy(average_.data(), savedAverage.data.data(),
              savedAverage.data.size());
  std::memcpy(weights.data(), savedWeights.data.data(),
              savedWeights.data.size());
  Metadata metadata;
  for (auto [key, value] : state.metadata())
    metadata.emplace(key, value);
  return metadata;
}

Result<pipeline::TrainedTensors> FakeLearner::average() {
  pipeline::TrainedTensors trained;
  auto bytes = bytesOf(average_);
  trained.storage.assign(bytes.begin(), bytes.end());
  trained.tensors = {{name_, DType::kF32, shape_, trained.storage}};
  return trained;
}

World::World() {
  Status status = pipeline::writeTinyModel(model());
  EXPECT_TRUE(status.ok()) << status.message();
  config.model = model();
  config.data = folder / "data";
  config.output = folder / "run";
  config.cache = folder / "run/encoded";
  std::filesystem::create_directory(config.data);
  std::filesystem::create_directory(config.output);
  writeTinyShard(config.data + "/a.safetensors", 6, 1);
  writeTinyShard(config.data + "/b.safetensors", 6, 2);
  config.steps = 40;
  config.batch = 5; // no divisor of 12, so that batches span epochs
  config.seed = 3;
  config.rate.peak = 0.05;
  config.logEvery = 1;
  config.checkpoint.every = 7;
}

TrainEvents World::quiet() {
  TrainEvents events;
  events.stopped = [] { return false; };
  return events;
}

Result<TrainSummary> World::run(FakeLearner& learner,
                                const TrainEvents& events) {
  BURIN_ASSIGN(Checkpoint start, Checkpoint::open(model()));
  BURIN_ASSIGN(pipeline::ModelInfo info, pipeline::readModelInfo(start));
  BURIN_ASSIGN(text::ClipTokenizer tokenizer, pipeline::readTokenizer(start));
  DatasetEvents dataEvents = {[](auto&) {},
                              [](int64_t, int64_t) { return okStatus(); }};
  BURIN_ASSIGN(Dataset data,
               Dataset::open({config.data, config.cache, "fake", kTinyShape, 8},
                             tokenizer, fakeEncoder(), dataEvents));
  schedule::NoiseLevels levels(info.scheduler);
  Batcher batcher(data, levels,
                  {config.seed, config.batch, info.scaling, config.dropout});
  States states(config.output, "run", config.checkpoint.keep);
  auto publish = [&]() -> Status {
    BURIN_ASSIGN(pipeline::TrainedTensors trained, learner.average());
    return exportModel(start, trained, config.output + "/model.burin");
  };
  SingleProcess alone;
  return runLoop({config, learner, batcher, states, alone, publish, {}},
                 events);
}

std::vector<std::string> World::losses() const {
  std::vector<std::string> losses;
  std::string text = log();
  for (size_t begin = 0, end; begin < text.size(); begin = end + 1) {
    end = text.find('\n', begin);
    auto row =
        nlohmann::json::parse(text.substr(begin, end - begin), nullptr, false);
    losses.push_back(row["step"].dump() + ": " + row["loss"].dump());
  }
  return losses;
}

} // namespace burin::train
