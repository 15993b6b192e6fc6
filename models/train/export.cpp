// SPDX-License-Identifier: Apache-2.0
// Streams a checkpoint with some tensors exchanged.
#include "models/train/export.h"

#include <algorithm>

#include "formats/checkpoint/writer.h"
#include "formats/file/sha256.h"

namespace burin::train {

Status exportModel(const Checkpoint& start,
                   const pipeline::TrainedTensors& trained,
                   const std::string& path) {
  std::vector<TensorSpec> specs;
  std::vector<const TensorView*> sources;
  for (const TensorView& old : start.tensors()) {
    auto found =
        std::ranges::lower_bound(trained.tensors, old.name, {},
                                 [](const TensorView& t) { return t.name; });
    bool isTrained = found != trained.tensors.end() && found->name == old.name;
    sources.push_back(isTrained ? &*found : &old);
    const TensorView& tensor = *sources.back();
    specs.push_back({std::string(tensor.name), tensor.dtype,
                     Shape(tensor.shape.begin(), tensor.shape.end())});
  }
  CheckpointWriter::Metadata metadata;
  for (auto [key, value] : start.metadata())
    metadata.emplace(key, value);
  BURIN_ASSIGN(
      CheckpointWriter writer,
      CheckpointWriter::create(path, std::move(specs), std::move(metadata)));
  for (const TensorView* tensor : sources)
    BURIN_TRY(writer.write(tensor->data));
  return writer.commit();
}

std::string modelFingerprint(const Checkpoint& model,
                             std::span<const std::string_view> prefixes) {
  constexpr size_t kBeginning = 4096;
  Sha256 hash;
  auto add = [&](std::string_view text) {
    hash.update(std::as_bytes(std::span(text)));
    hash.update(std::as_bytes(std::span("\n")));
  };
  auto isOurs = [&](std::string_view name) {
    return std::ranges::any_of(
        prefixes, [&](std::string_view p) { return name.starts_with(p); });
  };
  for (auto [key, value] : model.metadata())
    if (isOurs(key)) {
      add(key);
      add(value);
    }
  for (const TensorView& tensor : model.tensors())
    if (isOurs(tensor.name)) {
      add(tensor.name);
      add(name(tensor.dtype));
      add(toString(tensor.shape));
      hash.update(tensor.data.first(std::min(kBeginning, tensor.data.size())));
    }
  return hash.hex();
}

} // namespace burin::train
