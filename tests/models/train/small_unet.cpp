// SPDX-License-Identifier: Apache-2.0
// Moves the golden file's weights and configuration into a checkpoint.
#include "tests/models/train/small_unet.h"

#include <nlohmann/json.hpp>

#include "formats/checkpoint/writer.h"
#include "tests/models/golden_file.h"

namespace burin {

Status writeSmallUNet(const std::string& path, DType dtype) {
  BURIN_ASSIGN(SafetensorsFile golden,
               SafetensorsFile::open(std::string(kGoldenFolder) +
                                     "unet_small.safetensors"));
  std::vector<TensorSpec> specs;
  std::vector<std::byte> bytes;
  for (const TensorView& tensor : golden.tensors()) {
    if (!tensor.name.starts_with("unet."))
      continue;
    specs.push_back({std::string(tensor.name), dtype,
                     Shape(tensor.shape.begin(), tensor.shape.end())});
    for (size_t i = 0; i < tensor.data.size(); i += sizeof(float)) {
      auto element = tensor.data.subspan(i, sizeof(float));
      if (dtype == DType::kBF16)
        element = element.last(2);
      bytes.insert(bytes.end(), element.begin(), element.end());
    }
  }
  auto request = nlohmann::json::parse(golden.metadata().at("request"));
  CheckpointWriter::Metadata metadata = {
      {"architecture", "instruct_pix2pix"},
      {"unet.config", request["components"]["unet"]["config"].dump()}};
  BURIN_ASSIGN(CheckpointWriter writer,
               CheckpointWriter::create(path, specs, std::move(metadata)));
  std::span<const std::byte> rest = bytes;
  for (const TensorSpec& spec : specs) {
    auto size = static_cast<size_t>(*byteCount(spec.dtype, spec.shape));
    BURIN_TRY(writer.write(rest.first(size)));
    rest = rest.subspan(size);
  }
  return writer.commit();
}

} // namespace burin
