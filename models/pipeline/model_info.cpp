// SPDX-License-Identifier: Apache-2.0
// Reads and cross-checks the configurations of a model's parts.
#include "models/pipeline/model_info.h"

#include <nlohmann/json.hpp>

namespace burin::pipeline {
namespace {

using nlohmann::json;

constexpr std::string_view kArchitecture = "instruct_pix2pix";
constexpr size_t kMaxLevels = 8;

Result<std::string> required(const Checkpoint& checkpoint,
                             std::string_view key) {
  std::optional<std::string_view> text = checkpoint.metadata(key);
  if (!text)
    return dataLoss(checkpoint.path() + " has no '" + std::string(key) +
                    "' among its metadata; convert the model again with "
                    "'burin convert'");
  return std::string(*text);
}

// One part's configuration, with checked access to what is read here.
class PartConfig {
public:
  static Result<PartConfig> parse(const std::string& name,
                                  const std::string& text) {
    json object = json::parse(text, nullptr, false);
    if (!object.is_object())
      return dataLoss("'" + name + "' of the checkpoint is not a JSON object");
    return PartConfig(name, std::move(object));
  }

  // `fallback` where there is none; otherwise an error.
  Result<double> number(const char* key, double lowest, double highest,
                        std::optional<double> fallback = {}) const {
    auto found = object_.find(key);
    if (found == object_.end() || found->is_null()) {
      if (fallback)
        return *fallback;
      return dataLoss("'" + name_ + "' of the checkpoint lacks '" + key + "'");
    }
    if (!found->is_number() || !(*found >= lowest && *found <= highest))
      return dataLoss("'" + std::string(key) + "' in '" + name_ +
                      "' of the checkpoint is " + found->dump() +
                      "; it must be a number from " + json(lowest).dump() +
                      " to " + json(highest).dump());
    return found->get<double>();
  }

  Result<int> integer(const char* key, int lowest, int highest,
                      std::optional<double> fallback = {}) const {
    BURIN_ASSIGN(double value, number(key, lowest, highest, fallback));
    return static_cast<int>(value);
  }

  // Two to the number of times that a network of these levels halves.
  Result<int> stride() const {
    auto found = object_.find("block_out_channels");
    if (found == object_.end() || !found->is_array() || found->empty() ||
        found->size() > kMaxLevels)
      return dataLoss("'block_out_channels' in '" + name_ +
                      "' of the checkpoint must list 1 to " +
                      std::to_string(kMaxLevels) + " widths");
    return 1 << (found->size() - 1);
  }

  const json& object() const { return object_; }

private:
  PartConfig(std::string name, json object)
      : name_(std::move(name)), object_(std::move(object)) {}

  std::string name_;
  json object_;
};

Result<EditDefaults> readDefaults(const Checkpoint& checkpoint) {
  EditDefaults defaults;
  std::optional<std::string_view> text = checkpoint.metadata("edit.config");
  if (!text)
    return defaults;
  BURIN_ASSIGN(PartConfig config,
               PartConfig::parse("edit.config", std::string(*text)));
  BURIN_ASSIGN(defaults.steps, config.integer("num_inference_steps", 1,
                                              1'000'000, defaults.steps));
  BURIN_ASSIGN(defaults.textScale,
               config.number("guidance_scale", 0, 1e6, defaults.textScale));
  BURIN_ASSIGN(defaults.imageScale, config.number("image_guidance_scale", 0,
                                                  1e6, defaults.imageScale));
  BURIN_ASSIGN(defaults.size, config.integer("size", 0, 1 << 16, 0));
  if (auto name = config.object().find("sampler");
      name != config.object().end()) {
    if (name->is_string())
      defaults.sampler =
          schedule::samplerFromName(name->get_ref<const std::string&>());
    if (!defaults.sampler)
      return dataLoss("'sampler' in 'edit.config' of the checkpoint is " +
                      name->dump() + "; it must be one of " +
                      schedule::samplerNames());
  }
  return defaults;
}

} // namespace

Result<ModelInfo> readModelInfo(const Checkpoint& checkpoint) {
  BURIN_ASSIGN(std::string architecture, required(checkpoint, "architecture"));
  if (architecture != kArchitecture)
    return unimplemented("the architecture of " + checkpoint.path() + " is '" +
                         architecture + "'; editing needs a model of '" +
                         std::string(kArchitecture) + "'");
  ModelInfo info;
  BURIN_ASSIGN(info.unetConfig, required(checkpoint, "unet.config"));
  BURIN_ASSIGN(info.vaeConfig, required(checkpoint, "vae.config"));
  BURIN_ASSIGN(info.textConfig, required(checkpoint, "text_encoder.config"));
  BURIN_ASSIGN(PartConfig unet,
               PartConfig::parse("unet.config", info.unetConfig));
  BURIN_ASSIGN(PartConfig vae, PartConfig::parse("vae.config", info.vaeConfig));
  BURIN_ASSIGN(PartConfig encoder,
               PartConfig::parse("text_encoder.config", info.textConfig));

  BURIN_ASSIGN(info.latentChannels, vae.integer("latent_channels", 1, 1024));
  BURIN_ASSIGN(info.vaeStride, vae.stride());
  BURIN_ASSIGN(info.unetStride, unet.stride());
  BURIN_ASSIGN(info.scaling, vae.number("scaling_factor", 1e-6, 1e6, 0.18215));
  BURIN_ASSIGN(double shift, vae.number("shift_factor", -1e6, 1e6, 0.0));
  if (shift != 0)
    return unimplemented("'shift_factor' in 'vae.config' of the checkpoint "
                         "is not 0, which no InstructPix2Pix model has");
  BURIN_ASSIGN(info.textWidth, encoder.integer("hidden_size", 1, 1 << 16));
  BURIN_ASSIGN(int crossWidth, unet.integer("cross_attention_dim", 1, 1 << 16));
  if (crossWidth != info.textWidth)
    return dataLoss("the UNet reads text states of width " +
                    std::to_string(crossWidth) + ", the text encoder writes " +
                    std::to_string(info.textWidth) +
                    "; these parts do not belong together");
  BURIN_ASSIGN(int inputs, unet.integer("in_channels", 1, 4096));
  if (inputs != 2 * info.latentChannels)
    return dataLoss("the UNet reads " + std::to_string(inputs) +
                    " channels; editing needs " +
                    std::to_string(2 * info.latentChannels) +
                    ", those of the noisy and of the given picture. Convert an "
                    "InstructPix2Pix model, not plain Stable Diffusion");

  BURIN_ASSIGN(std::string scheduler, required(checkpoint, "scheduler.config"));
  BURIN_ASSIGN(info.scheduler, schedule::parseConfig(scheduler));
  BURIN_ASSIGN(info.defaults, readDefaults(checkpoint));
  if (info.defaults.size == 0) {
    BURIN_ASSIGN(int latents, unet.integer("sample_size", 1, 4096, 64));
    info.defaults.size = latents * info.vaeStride;
  }
  return info;
}

Result<text::ClipTokenizer> readTokenizer(const Checkpoint& checkpoint) {
  BURIN_ASSIGN(std::string vocabulary, required(checkpoint, "tokenizer.vocab"));
  BURIN_ASSIGN(std::string merges, required(checkpoint, "tokenizer.merges"));
  std::string config(checkpoint.metadata("tokenizer.config").value_or(""));
  return text::ClipTokenizer::create({vocabulary, merges, config});
}

} // namespace burin::pipeline
