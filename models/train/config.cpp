// SPDX-License-Identifier: Apache-2.0
// Field by field, with what each may be.
#include "models/train/config.h"

#include <array>
#include <filesystem>

#include "formats/file/mapped_file.h"
#include "models/pipeline/device.h"
#include "models/train/fields.h"

namespace burin::train {
namespace {

constexpr int64_t kMostSteps = 1'000'000'000;
constexpr double kMiBPerGiB = 1024;
constexpr std::string_view kExample = R"({
  "model": "ip2p.burin",
  "data": "shards",
  "output": "run",
  "cache": "run/encoded",

  "steps": 20000,
  "batch": 32,
  "accumulate": 1,
  "size": 256,
  "device": "cuda",
  "precision": "bf16",
  "threads": 0,
  "memory_budget": 0,
  "seed": 1,
  "initial": "model",

  "learning_rate": {"peak": 1e-4, "warmup": 500, "schedule": "cosine",
                    "last": 1e-6},
  "adamw": {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8,
            "weight_decay": 0.01},
  "max_gradient_norm": 1.0,
  "average_decay": 0.9999,
  "dropout": {"text": 0.05, "picture": 0.05, "both": 0.05},
  "adapter": null,

  "checkpoint": {"every": 1000, "keep": 2},
  "log_every": 10,
  "samples": {"every": 2000, "count": 4, "data": "heldout"}
}
)";

Status need(const Fields& fields, const char* key, bool given) {
  return given ? okStatus()
               : fields.fault(key, "is missing; a training needs it (burin "
                                   "train --example prints a configuration)");
}

// Relative to the folder of the configuration.
Status readPath(Fields& fields, const char* key,
                const std::filesystem::path& folder, std::string& out) {
  std::string given;
  BURIN_TRY(fields.text(key, given));
  if (!given.empty())
    out = (folder / given).lexically_normal().string();
  return okStatus();
}

Status readPaths(Fields& fields, const std::filesystem::path& folder,
                 TrainConfig& config) {
  BURIN_TRY(readPath(fields, "model", folder, config.model));
  BURIN_TRY(readPath(fields, "data", folder, config.data));
  BURIN_TRY(readPath(fields, "output", folder, config.output));
  BURIN_TRY(need(fields, "model", !config.model.empty()));
  BURIN_TRY(need(fields, "data", !config.data.empty()));
  BURIN_TRY(need(fields, "output", !config.output.empty()));
  config.cache = config.output + "/encoded";
  return readPath(fields, "cache", folder, config.cache);
}

Status readBatch(Fields& root, TrainConfig& config) {
  BURIN_TRY(root.integer("batch", config.batch, 1, 65536));
  BURIN_TRY(root.integer("accumulate", config.accumulate, 1, 65536));
  if (config.batch % config.accumulate == 0)
    return okStatus();
  return root.fault("accumulate",
                    "is " + std::to_string(config.accumulate) +
                        ", and 'batch' is " + std::to_string(config.batch) +
                        ", which does not go in so many equal parts");
}

Status readRate(Fields& root, int64_t steps, RateConfig& rate) {
  constexpr std::array<std::string_view, 3> kShapes = {"constant", "linear",
                                                       "cosine"};
  BURIN_ASSIGN(Fields fields, root.object("learning_rate"));
  BURIN_TRY(fields.number("peak", rate.peak, 1e-12, 1));
  BURIN_TRY(fields.integer("warmup", rate.warmup, 0, kMostSteps));
  size_t shape = 0;
  BURIN_TRY(fields.choice("schedule", shape, kShapes));
  rate.shape = static_cast<RateConfig::Shape>(shape);
  BURIN_TRY(fields.number("last", rate.last, 0, 1));
  BURIN_TRY(fields.finish());
  if (rate.warmup >= steps)
    return fields.fault("warmup", "is " + std::to_string(rate.warmup) + " of " +
                                      std::to_string(steps) +
                                      " steps; it must end before they do");
  if (rate.last > rate.peak)
    return fields.fault("last", "is " + shown(rate.last) +
                                    ", above 'peak', which is " +
                                    shown(rate.peak) + "; rates fall");
  return okStatus();
}

Status readAdamW(Fields& root, AdamWConfig& adamw) {
  constexpr double kBelowOne = 0.9999999;
  BURIN_ASSIGN(Fields fields, root.object("adamw"));
  BURIN_TRY(fields.number("beta1", adamw.beta1, 0, kBelowOne));
  BURIN_TRY(fields.number("beta2", adamw.beta2, 0, kBelowOne));
  BURIN_TRY(fields.number("epsilon", adamw.epsilon, 1e-16, 1));
  BURIN_TRY(fields.number("weight_decay", adamw.decay, 0, 10));
  return fields.finish();
}

Status readDropout(Fields& root, DropoutConfig& dropout) {
  BURIN_ASSIGN(Fields fields, root.object("dropout"));
  BURIN_TRY(fields.number("text", dropout.text, 0, 1));
  BURIN_TRY(fields.number("picture", dropout.picture, 0, 1));
  BURIN_TRY(fields.number("both", dropout.both, 0, 1));
  BURIN_TRY(fields.finish());
  double sum = dropout.text + dropout.picture + dropout.both;
  if (sum > 1)
    return root.fault("dropout", "adds up to " + shown(sum) +
                                     "; shares of one whole add up to at "
                                     "most 1");
  return okStatus();
}

// Null is as good as absent.
Status readAdapter(Fields& root, bool card, std::optional<AdapterConfig>& out) {
  constexpr std::array<std::string_view, 3> kLayouts = {"diffusers", "peft",
                                                        "kohya"};
  if (root.isNull("adapter"))
    return okStatus();
  AdapterConfig adapter;
  BURIN_ASSIGN(Fields fields, root.object("adapter"));
  BURIN_TRY(fields.integer("rank", adapter.rank, 1, 1024));
  BURIN_TRY(need(fields, "rank", adapter.rank > 0));
  if (adapter.rank == 1 && card)
    return fields.fault("rank", "is 1; on cards it must be at least 2");
  adapter.alpha = static_cast<double>(adapter.rank);
  BURIN_TRY(fields.number("alpha", adapter.alpha, 1e-6, 1e6));
  BURIN_TRY(fields.texts("targets", adapter.targets));
  size_t layout = 0;
  BURIN_TRY(fields.choice("layout", layout, kLayouts));
  adapter.layout = static_cast<adapters::Layout>(layout);
  BURIN_TRY(fields.finish());
  out = std::move(adapter);
  return okStatus();
}

Status readOutputs(Fields& root, const std::filesystem::path& folder,
                   TrainConfig& config) {
  BURIN_ASSIGN(Fields checkpoint, root.object("checkpoint"));
  BURIN_TRY(
      checkpoint.integer("every", config.checkpoint.every, 1, kMostSteps));
  BURIN_TRY(checkpoint.integer("keep", config.checkpoint.keep, 1, 1000));
  BURIN_TRY(checkpoint.finish());
  BURIN_TRY(root.integer("log_every", config.logEvery, 1, kMostSteps));
  BURIN_ASSIGN(Fields samples, root.object("samples"));
  BURIN_TRY(samples.integer("every", config.samples.every, 0, kMostSteps));
  BURIN_TRY(samples.integer("count", config.samples.count, 1, 64));
  BURIN_TRY(readPath(samples, "data", folder, config.samples.data));
  return samples.finish();
}

// The device itself is opened later; a card may be compiled for without one.
Status readDevice(Fields& root, TrainConfig& config) {
  constexpr std::array<std::string_view, 3> kPrecisions = {"f32", "bf16",
                                                           "f16"};
  BURIN_TRY(root.text("device", config.device));
  Result<DeviceName> device = parseDevice(config.device);
  if (!device.ok())
    return root.fault("device", "is \"" + config.device + "\"; it must be " +
                                    std::string(kDeviceNames));
  size_t precision = 0;
  BURIN_TRY(root.choice("precision", precision, kPrecisions));
  config.precision = kPrecisions[precision];
  if (config.precision == "f16" && !device->cuda)
    return root.fault("precision", "is \"f16\", which is for cards, and "
                                   "'device' is \"" +
                                       config.device +
                                       "\"; choose bf16 or f32");
  BURIN_TRY(root.integer("threads", config.threads, 0, 1024));
  BURIN_TRY(root.number("memory_budget", config.memoryBudget, 0, 16384));
  if (config.memoryBudget > 0 && config.memoryBudget * kMiBPerGiB < 1)
    return root.fault("memory_budget", "is " + shown(config.memoryBudget) +
                                           " GiB, less than one MiB");
  return okStatus();
}

} // namespace

Result<TrainConfig> parseTrainConfig(std::string_view text,
                                     const std::string& file) {
  BURIN_ASSIGN(nlohmann::json tree, parseJson(text, file));
  BURIN_ASSIGN(Fields root, Fields::of(tree, file));
  std::filesystem::path folder = std::filesystem::path(file).parent_path();
  TrainConfig config;
  config.file = file;
  BURIN_TRY(readPaths(root, folder, config));
  BURIN_TRY(root.integer("steps", config.steps, 1, kMostSteps));
  BURIN_TRY(need(root, "steps", config.steps > 0));
  BURIN_TRY(readBatch(root, config));
  BURIN_TRY(root.integer("size", config.size, 8, 4096));
  BURIN_TRY(readDevice(root, config));
  constexpr int64_t kMostSeed = (int64_t{1} << 53) - 1; // exact in any JSON
  BURIN_TRY(root.integer("seed", config.seed, 0, kMostSeed));
  constexpr std::array<std::string_view, 2> kInitials = {"model", "random"};
  size_t initial = 0;
  BURIN_TRY(root.choice("initial", initial, kInitials));
  config.initial = static_cast<TrainConfig::Initial>(initial);
  BURIN_TRY(readRate(root, config.steps, config.rate));
  BURIN_TRY(readAdamW(root, config.adamw));
  BURIN_TRY(root.number("max_gradient_norm", config.maxGradientNorm, 0, 1e6));
  BURIN_TRY(root.number("average_decay", config.averageDecay, 0, 1));
  BURIN_TRY(readDropout(root, config.dropout));
  bool card = parseDevice(config.device)->cuda;
  BURIN_TRY(readAdapter(root, card, config.adapter));
  BURIN_TRY(readOutputs(root, folder, config));
  BURIN_TRY(root.finish());
  return config;
}

Result<TrainConfig> readTrainConfig(const std::string& path) {
  constexpr size_t kMostBytes = 1 << 20;
  BURIN_ASSIGN(std::string text, readTextFile(path, kMostBytes));
  return parseTrainConfig(text, path);
}

std::string_view exampleTrainConfig() {
  return kExample;
}

} // namespace burin::train
