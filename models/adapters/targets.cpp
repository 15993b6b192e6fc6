// SPDX-License-Identifier: Apache-2.0
// Patterns against the names of a checkpoint's tensors.
#include "models/adapters/targets.h"

#include <algorithm>
#include <set>
#include <string_view>

namespace burin::adapters {
namespace {

constexpr std::string_view kComponent = "unet.", kWeight = ".weight";

// Whether `text` is `pattern`, in which '*' stands for any text. On a mismatch
// the latest '*' takes one character more; earlier ones need not be tried
// again.
bool matches(std::string_view pattern, std::string_view text) {
  size_t p = 0, t = 0, star = pattern.npos, taken = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != pattern.npos) {
      p = star + 1;
      t = ++taken;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == pattern.npos;
}

bool names(std::string_view pattern, std::string_view layer) {
  for (;;) {
    if (matches(pattern, layer))
      return true;
    const size_t dot = layer.find('.');
    if (dot == layer.npos)
      return false;
    layer.remove_prefix(dot + 1);
  }
}

std::set<std::string> layersOf(std::span<const TensorView> model) {
  std::set<std::string> layers;
  for (const TensorView& tensor : model) {
    std::string_view name = tensor.name;
    if (!name.starts_with(kComponent) || !name.ends_with(kWeight) ||
        tensor.shape.size() < 2)
      continue;
    name.remove_prefix(kComponent.size());
    name.remove_suffix(kWeight.size());
    layers.emplace(name);
  }
  return layers;
}

// A few ends of names to choose from: "conv1, conv2, to_k".
std::string suggestions(const std::set<std::string>& layers) {
  constexpr size_t kShown = 20;
  std::set<std::string> ends;
  for (const std::string& layer : layers) {
    std::string end = layer.substr(layer.rfind('.') + 1);
    if (end.find_first_not_of("0123456789") != end.npos)
      ends.insert(std::move(end));
  }
  std::string text;
  size_t shown = 0;
  for (const std::string& end : ends) {
    if (shown++ == kShown)
      return text + ", and more";
    text += (text.empty() ? "" : ", ") + end;
  }
  return text;
}

} // namespace

Result<std::vector<std::string>>
matchLayers(std::span<const TensorView> model,
            std::span<const std::string> patterns) {
  const std::set<std::string> layers = layersOf(model);
  std::set<std::string> found;
  for (const std::string& pattern : patterns) {
    bool any = false;
    for (const std::string& layer : layers)
      if (names(pattern, layer)) {
        found.insert(layer);
        any = true;
      }
    if (!any)
      return notFound("\"" + pattern +
                      "\" names no layer of the UNet; its layers end in " +
                      suggestions(layers));
  }
  return std::vector<std::string>(found.begin(), found.end());
}

} // namespace burin::adapters
