// SPDX-License-Identifier: Apache-2.0
// Moves the golden file's weights and configurations into a checkpoint.
#include "tests/models/pipeline/tiny_model.h"

#include "formats/checkpoint/writer.h"
#include "tests/models/golden_file.h"

namespace burin::pipeline {
namespace {
bool isWeight(std::string_view name) {
  return name.starts_with("unet.") || name.starts_with("vae.") ||
         name.starts_with("text_encoder.");
}
} // namespace

Status writeTinyModel(const std::string& path, const Metadata& changes) {
  BURIN_ASSIGN(
      SafetensorsFile golden,
      SafetensorsFile::open(std::string(kGoldenFolder) + "edit.safetensors"));
  std::vector<TensorSpec> specs;
  std::vector<std::span<const std::byte>> data;
  for (const TensorView& tensor : golden.tensors())
    if (isWeight(tensor.name)) {
      specs.push_back({std::string(tensor.name), tensor.dtype,
                       Shape(tensor.shape.begin(), tensor.shape.end())});
      data.push_back(tensor.data);
    }
  Metadata metadata;
  for (const auto& [key, value] : golden.metadata())
    metadata[key] = value;
  for (const auto& [key, value] : changes)
    metadata[key] = value;
  std::erase_if(metadata,
                [](const auto& entry) { return entry.second.empty(); });
  BURIN_ASSIGN(
      CheckpointWriter writer,
      CheckpointWriter::create(path, std::move(specs), std::move(metadata)));
  for (std::span<const std::byte> bytes : data)
    BURIN_TRY(writer.write(bytes));
  return writer.commit();
}

} // namespace burin::pipeline
