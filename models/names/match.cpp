// SPDX-License-Identifier: Apache-2.0
// Nothing is skipped in silence: every difference becomes part of the error.
#include "models/names/match.h"

#include "models/names/config.h"
#include "models/names/expect.h"

#include <algorithm>

namespace burin::names {
namespace {

// Names by kind of difference; a message shows the first few of each.
class Differences {
public:
  void add(const std::string& kind, std::string text) {
    lists_[kind].push_back(std::move(text));
  }

  Status status() const {
    constexpr size_t kShown = 8;
    std::string message;
    for (const auto& [kind, list] : lists_) {
      message += "\n  " + kind + " (" + std::to_string(list.size()) + "):";
      for (size_t i = 0; i < std::min(list.size(), kShown); ++i)
        message += "\n    " + list[i];
      if (list.size() > kShown)
        message +=
            "\n    and " + std::to_string(list.size() - kShown) + " more";
    }
    if (message.empty())
      return okStatus();
    return invalidArgument("the tensors do not fit the model's configuration; "
                           "check that both are of the same model:" +
                           message);
  }

private:
  std::map<std::string, std::vector<std::string>> lists_;
};

bool isFloating(DType dtype) {
  return dtype == DType::kF16 || dtype == DType::kBF16 ||
         dtype == DType::kF32 || dtype == DType::kF64;
}

Shape shapeOf(const SourceTensor& tensor) {
  Shape shape(tensor.view->shape.begin(), tensor.view->shape.end());
  while (tensor.matrix && shape.size() > 2 && shape.back() == 1)
    shape.pop_back();
  return shape;
}

// Where one component's output is another's input.
Status checkFit(const Source& source) {
  // The values were checked when the tensors were derived from them.
  auto number = [&](const char* component, const char* key) {
    return Config(component, source.configs.at(component)).count(key, 4);
  };
  int64_t latent = number("vae", "latent_channels");
  int64_t needed =
      source.architecture == "instruct_pix2pix" ? 2 * latent : latent;
  if (number("unet", "in_channels") != needed)
    return invalidArgument("the unet takes " +
                           std::to_string(number("unet", "in_channels")) +
                           " channels, " + source.architecture + " with " +
                           std::to_string(latent) + " latent channels needs " +
                           std::to_string(needed) + "; check unet/config.json");
  if (number("unet", "cross_attention_dim") !=
      number("text_encoder", "hidden_size"))
    return invalidArgument(
        "the unet attends to text of width " +
        std::to_string(number("unet", "cross_attention_dim")) +
        ", the text encoder gives " +
        std::to_string(number("text_encoder", "hidden_size")) +
        "; check that both are of the same model");
  return okStatus();
}

} // namespace

Result<std::vector<MatchedTensor>> matchTensors(const Source& source) {
  Differences differences;
  std::map<std::string_view, const SourceTensor*> found;
  for (const SourceTensor& tensor : source.tensors)
    if (!found.emplace(tensor.name, &tensor).second)
      differences.add("doubled", tensor.name + " (from " + tensor.origin + ")");

  std::vector<MatchedTensor> matched;
  for (const auto& [component, config] : source.configs) {
    BURIN_ASSIGN(std::vector<TensorSpec> specs,
                 expectTensors(component, config));
    for (TensorSpec& spec : specs) {
      auto at = found.find(spec.name);
      if (at == found.end()) {
        differences.add("missing", spec.name + " " + toString(spec.shape));
        continue;
      }
      const SourceTensor& tensor = *at->second;
      spec.dtype = tensor.view->dtype;
      if (shapeOf(tensor) != spec.shape)
        differences.add("of another shape",
                        spec.name + " has " + toString(tensor.view->shape) +
                            ", needs " + toString(spec.shape));
      if (!isFloating(spec.dtype))
        differences.add("not floating point",
                        spec.name + " is " + std::string(name(spec.dtype)));
      found.erase(at);
      matched.push_back({std::move(spec), &tensor});
    }
  }
  for (const auto& [name, tensor] : found)
    differences.add("unknown", tensor->origin);
  BURIN_TRY(differences.status());
  BURIN_TRY(checkFit(source));
  return matched;
}

} // namespace burin::names
