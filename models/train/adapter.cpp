// SPDX-License-Identifier: Apache-2.0
// Factors as the terms of an adapter.
#include "models/train/adapter.h"

#include <map>

#include "formats/file/sha256.h"
#include "models/adapters/initialize.h"
#include "models/train/fields.h"

namespace burin::train {

Status exportAdapter(const AdapterConfig& adapter,
                     const pipeline::TrainedTensors& trained,
                     const std::string& path) {
  std::map<std::string, adapters::LowRank> terms;
  for (const TensorView& tensor : trained.tensors) {
    const bool down = tensor.name.ends_with(adapters::kDownFactor);
    std::string_view layer = tensor.name;
    layer.remove_suffix(down ? adapters::kDownFactor.size()
                             : adapters::kUpFactor.size());
    const std::string target = std::string(layer) + ".weight";
    adapters::LowRank& term = terms[target];
    term.target = target;
    term.rank = adapter.rank;
    term.scale = adapter.alpha / static_cast<double>(adapter.rank);
    (down ? term.down : term.up) = tensor;
  }
  std::vector<adapters::LowRank> all;
  for (const auto& [target, term] : terms)
    all.push_back(term);
  return adapters::writeAdapter(path, adapter.layout, all);
}

std::string adapterFingerprint(const pipeline::TrainAdapter& adapter) {
  std::string text =
      std::to_string(adapter.rank) + " " + shown(adapter.alpha) + "\n";
  for (const std::string& layer : adapter.layers)
    text += layer + "\n";
  return sha256Hex(std::as_bytes(std::span(text)));
}

} // namespace burin::train
