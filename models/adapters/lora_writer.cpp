// SPDX-License-Identifier: Apache-2.0
// Names the factors of an adapter as each layout does.
#include "models/adapters/lora_writer.h"

#include <algorithm>
#include <deque>
#include <filesystem>
#include <set>

#include <nlohmann/json.hpp>

namespace burin::adapters {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::string_view kComponent = "unet.";
constexpr std::string_view kWeight = ".weight";

// "unet.conv_in.weight" -> "conv_in".
std::string layerOf(const LowRank& term) {
  const std::string_view target = term.target;
  return std::string(target.substr(
      kComponent.size(), target.size() - kComponent.size() - kWeight.size()));
}

double alphaOf(const LowRank& term) {
  return term.scale * static_cast<double>(term.rank);
}

Status check(Layout layout, std::span<const LowRank> terms) {
  if (terms.empty())
    return invalidArgument("an adapter without terms cannot be written");
  std::set<std::string_view> targets;
  for (const LowRank& term : terms) {
    const std::string_view target = term.target;
    if (target.size() <= kComponent.size() + kWeight.size() ||
        !target.starts_with(kComponent) || !target.ends_with(kWeight))
      return unimplemented("'" + term.target +
                           "' is no weight of the UNet; adapters are written "
                           "for 'unet.<layer>.weight' only");
    if (!targets.insert(target).second)
      return invalidArgument("'" + term.target + "' has two terms");
    const LowRank& first = terms.front();
    if (layout != Layout::kKohya &&
        (term.rank != first.rank || term.scale != first.scale))
      return invalidArgument(
          "'" + term.target + "' has rank " + std::to_string(term.rank) +
          " and alpha " + std::to_string(alphaOf(term)) + ", '" + first.target +
          "' rank " + std::to_string(first.rank) + " and alpha " +
          std::to_string(alphaOf(first)) + "; the kohya layout can hold both");
  }
  return {};
}

// What PEFT needs to build the layers again; `prefix` stands before each key.
json settings(std::span<const LowRank> terms, const std::string& prefix) {
  json layers = json::array();
  for (const LowRank& term : terms)
    layers.push_back(layerOf(term));
  return {{prefix + "peft_type", "LORA"},
          {prefix + "r", terms.front().rank},
          {prefix + "lora_alpha", alphaOf(terms.front())},
          {prefix + "target_modules", std::move(layers)}};
}

// Views under a layout's names, which live here too.
class Renamed {
public:
  void add(std::string name, TensorView view) {
    view.name = names_.emplace_back(std::move(name));
    views_.push_back(view);
  }
  void addScalar(std::string name, double value) {
    const float& kept = scalars_.emplace_back(static_cast<float>(value));
    add(std::move(name),
        {{}, DType::kF32, {}, std::as_bytes(std::span(&kept, 1))});
  }
  std::span<const TensorView> views() const { return views_; }

private:
  std::deque<std::string> names_;
  std::deque<float> scalars_;
  std::vector<TensorView> views_;
};

Renamed rename(Layout layout, std::span<const LowRank> terms) {
  Renamed renamed;
  for (const LowRank& term : terms) {
    std::string layer = layerOf(term);
    if (layout == Layout::kKohya) {
      std::ranges::replace(layer, '.', '_');
      layer = "lora_unet_" + layer;
      renamed.add(layer + ".lora_down.weight", term.down);
      renamed.add(layer + ".lora_up.weight", term.up);
      renamed.addScalar(layer + ".alpha", alphaOf(term));
      continue;
    }
    layer = (layout == Layout::kPeft ? "base_model.model." : "unet.") + layer;
    renamed.add(layer + ".lora_A.weight", term.down);
    renamed.add(layer + ".lora_B.weight", term.up);
  }
  return renamed;
}

Status writeFolder(const std::string& path, const Renamed& renamed,
                   const std::string& config) {
  std::error_code failed;
  fs::create_directories(path, failed);
  if (failed)
    return invalidArgument("cannot make the folder '" + path +
                           "': " + failed.message());
  BURIN_TRY(
      writeSafetensors((fs::path(path) / "adapter_model.safetensors").string(),
                       renamed.views(), {{"format", "pt"}}));
  return writeFileAtomically((fs::path(path) / "adapter_config.json").string(),
                             std::as_bytes(std::span(config)));
}

} // namespace

Status writeAdapter(const std::string& path, Layout layout,
                    std::span<const LowRank> terms) {
  BURIN_TRY(check(layout, terms));
  const Renamed renamed = rename(layout, terms);
  if (layout == Layout::kPeft)
    return writeFolder(path, renamed, settings(terms, "").dump(2) + "\n");
  StringMap metadata = {{"format", "pt"}};
  if (layout == Layout::kDiffusers)
    metadata.emplace("lora_adapter_metadata",
                     settings(terms, std::string(kComponent)).dump());
  return writeSafetensors(path, renamed.views(), metadata);
}

} // namespace burin::adapters
