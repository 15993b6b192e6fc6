// SPDX-License-Identifier: Apache-2.0
// Finds the layer that each tensor of an adapter file belongs to.
#include "models/adapters/lora.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <optional>

#include <nlohmann/json.hpp>

#include "formats/file/mapped_file.h"
#include "models/adapters/embedded.h"
#include "models/names/cast.h"
#include "models/names/rules.h"

namespace burin::adapters {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr size_t kListed = 10;

// The layers of a model, "unet.mid_block.attentions.0.proj_in", by the names
// that files know them by, and their weights.
class Layers {
public:
  explicit Layers(std::span<const TensorView> model) {
    constexpr std::string_view kWeight = ".weight";
    for (const TensorView& tensor : model) {
      if (!tensor.name.ends_with(kWeight) || tensor.shape.size() < 2)
        continue;
      std::string layer(
          tensor.name.substr(0, tensor.name.size() - kWeight.size()));
      std::string flat = layer;
      std::ranges::replace(flat, '.', '_');
      layers_.emplace(std::move(flat), &tensor);
      layers_.emplace(std::move(layer), &tensor);
    }
  }

  // Null when the model has no such layer.
  const TensorView* find(const std::string& name) const {
    // PEFT leaves out the component: what it adapts is mostly the UNet.
    for (const std::string& candidate : {name, "unet." + name, flatName(name)})
      if (auto at = layers_.find(candidate); at != layers_.end())
        return at->second;
    return nullptr;
  }

private:
  // "lora_unet_mid_block_..." -> "unet_mid_block_...".
  static std::string flatName(const std::string& name) {
    if (name.starts_with("lora_unet_"))
      return name.substr(5);
    if (name.starts_with("lora_te_"))
      return "text_encoder_" + name.substr(8);
    return name;
  }

  std::map<std::string, const TensorView*> layers_;
};

struct Halves {
  const TensorView* weight = nullptr; // of the model
  const TensorView* down = nullptr;
  const TensorView* up = nullptr;
  std::optional<double> alpha;
};
using HalvesByTarget = std::map<std::string, Halves>;

std::string listed(const std::vector<std::string>& all) {
  std::string text;
  for (size_t i = 0; i < std::min(all.size(), kListed); ++i)
    text += "\n  " + all[i];
  if (all.size() > kListed)
    text += "\n  and " + std::to_string(all.size() - kListed) + " more";
  return text;
}

bool isFloat(DType dtype) {
  return dtype == DType::kF16 || dtype == DType::kBF16 ||
         dtype == DType::kF32 || dtype == DType::kF64;
}

std::optional<double> readScalar(const TensorView& tensor) {
  if (!isFloat(tensor.dtype) || elementCount(tensor.shape) != 1)
    return std::nullopt;
  float value = 0;
  names::castFloats(tensor.dtype, tensor.data, DType::kF32,
                    std::as_writable_bytes(std::span(&value, 1)));
  return value;
}

// Puts `tensor` where it belongs, or says why it does not belong anywhere.
std::optional<std::string> place(const TensorView& tensor,
                                 const names::Rules& rules,
                                 const Layers& layers, HalvesByTarget& found) {
  const std::string key(tensor.name);
  const std::string renamed = rules.apply(key).name;
  const size_t space = renamed.rfind(' ');
  if (space == renamed.npos)
    return key + ": not a name that adapters of linear layers have";
  const TensorView* weight = layers.find(renamed.substr(0, space));
  if (!weight)
    return key + ": the model has no such layer";
  Halves& halves = found[std::string(weight->name)];
  halves.weight = weight;
  const std::string_view part = std::string_view(renamed).substr(space + 1);
  if (part == "alpha") {
    halves.alpha = readScalar(tensor);
    if (!halves.alpha || !std::isfinite(*halves.alpha))
      return key + ": alpha must be one finite number";
    return std::nullopt;
  }
  const TensorView*& half = part == "down" ? halves.down : halves.up;
  if (half)
    return key + ": '" + std::string(half->name) + "' is for the same layer";
  half = &tensor;
  return std::nullopt;
}

// alpha / rank of every layer, where the file itself does not say.
struct Defaults {
  std::optional<double> scale;
};

Result<double> number(const json& object, const std::string& key,
                      const std::string& origin) {
  auto at = object.find(key);
  if (at == object.end() || !at->is_number() || !(at->get<double>() > 0))
    return dataLoss(origin + ": '" + key + "' must be a number greater than 0");
  return at->get<double>();
}

// The scale of an adapter whose settings are `object` under `prefix`.
Result<double> scaleOf(const json& object, const std::string& prefix,
                       const std::string& origin) {
  for (const char* pattern : {"rank_pattern", "alpha_pattern"})
    if (auto at = object.find(prefix + pattern);
        at != object.end() && !at->empty())
      return unimplemented(origin + " has a '" + pattern +
                           "', ranks that differ by layer; store alpha "
                           "tensors in the file instead");
  BURIN_ASSIGN(double alpha, number(object, prefix + "lora_alpha", origin));
  BURIN_ASSIGN(double rank, number(object, prefix + "r", origin));
  auto stabilised = object.find(prefix + "use_rslora");
  const bool root = stabilised != object.end() && stabilised->is_boolean() &&
                    stabilised->get<bool>();
  return alpha / (root ? std::sqrt(rank) : rank);
}

Result<Defaults> readDefaults(const std::string& path,
                              const SafetensorsFile& file) {
  const fs::path config = fs::path(path) / "adapter_config.json";
  if (fs::exists(config)) {
    BURIN_ASSIGN(MappedFile mapped, MappedFile::open(config.string()));
    const auto* text = reinterpret_cast<const char*>(mapped.bytes().data());
    json object = json::parse(text, text + mapped.bytes().size(), nullptr,
                              /*allow_exceptions=*/false);
    if (!object.is_object())
      return dataLoss("'" + config.string() + "' is not a JSON object");
    BURIN_ASSIGN(double scale,
                 scaleOf(object, "", "'" + config.string() + "'"));
    return Defaults{scale};
  }
  auto at = file.metadata().find("lora_adapter_metadata");
  if (at == file.metadata().end())
    return Defaults{};
  json object = json::parse(at->second, nullptr, /*allow_exceptions=*/false);
  const std::string origin =
      "the metadata 'lora_adapter_metadata' of '" + path + "'";
  if (!object.is_object())
    return dataLoss(origin + " is not a JSON object");
  for (const char* prefix : {"unet.", ""})
    if (object.contains(prefix + std::string("r"))) {
      BURIN_ASSIGN(double scale, scaleOf(object, prefix, origin));
      return Defaults{scale};
    }
  return Defaults{};
}

// The term of one layer, or what is wrong with it.
Result<LowRank> makeTerm(const Halves& halves, const Defaults& defaults) {
  const std::string target(halves.weight->name);
  if (!halves.down || !halves.up)
    return dataLoss(target + ": " + (halves.down ? "B (up)" : "A (down)") +
                    " is missing");
  const TensorView &down = *halves.down, &up = *halves.up;
  if (!isFloat(down.dtype) || !isFloat(up.dtype))
    return dataLoss(target + ": A and B must be floating-point numbers, not " +
                    std::string(name(down.dtype)) + " and " +
                    std::string(name(up.dtype)));
  const int64_t rank = down.shape.empty() ? 0 : down.shape[0];
  const int64_t outputs = halves.weight->shape[0];
  const int64_t inputs =
      *elementCount(halves.weight->shape) / std::max<int64_t>(outputs, 1);
  if (rank < 1 || elementCount(down.shape) != rank * inputs ||
      elementCount(up.shape) != outputs * rank || up.shape[0] != outputs)
    return dataLoss(target + ": A is " + toString(down.shape) + " and B " +
                    toString(up.shape) + ", which do not fit the weight's " +
                    toString(halves.weight->shape));
  const double scale = halves.alpha ? *halves.alpha / static_cast<double>(rank)
                                    : defaults.scale.value_or(1);
  return LowRank{target, down, up, rank, scale};
}

} // namespace

Result<Adapter> Adapter::open(const std::string& path,
                              std::span<const TensorView> model) {
  const std::string file =
      fs::is_directory(path)
          ? (fs::path(path) / "adapter_model.safetensors").string()
          : path;
  BURIN_ASSIGN(SafetensorsFile opened, SafetensorsFile::open(file));
  Adapter adapter(path, std::move(opened));
  BURIN_ASSIGN(Defaults defaults, readDefaults(path, adapter.file_));
  BURIN_ASSIGN(names::Rules rules, names::Rules::parse(kLoraRules, "lora.txt"));

  const Layers layers(model);
  HalvesByTarget found;
  std::vector<std::string> faults;
  for (const TensorView& tensor : adapter.file_.tensors())
    if (auto fault = place(tensor, rules, layers, found))
      faults.push_back(*fault);
  for (const auto& [target, halves] : found) {
    auto term = makeTerm(halves, defaults);
    if (term.ok())
      adapter.terms_.push_back(*std::move(term));
    else
      faults.push_back(term.status().message());
  }
  if (!faults.empty())
    return dataLoss("the adapter '" + path +
                    "' does not fit the model:" + listed(faults));
  if (adapter.terms_.empty())
    return dataLoss("the adapter '" + path + "' holds no tensors");
  return adapter;
}

} // namespace burin::adapters
