// SPDX-License-Identifier: Apache-2.0
// A checkpoint of three layers and adapter files for it.
#pragma once

#include "formats/checkpoint/writer.h"
#include "formats/safetensors/safetensors.h"
#include "tests/formats/temporary_folder.h"

#include <cmath>
#include <cstring>

namespace burin::adapters {

struct Tensor {
  std::string name;
  Shape shape;
  std::vector<float> values;
};

// Values that float32 sums exactly: multiples of 1/8 of a few units.
inline std::vector<float> someValues(const Shape& shape, int seed) {
  std::vector<float> values(*elementCount(shape));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = float((i * 7 + seed * 13) % 17) / 8 - 1;
  return values;
}

inline Tensor some(std::string name, Shape shape, int seed) {
  std::vector<float> values = someValues(shape, seed);
  return {std::move(name), std::move(shape), std::move(values)};
}

inline const std::string kAttention = "unet.mid_block.attentions.0.attn1";

inline std::vector<Tensor> modelTensors() {
  return {some(kAttention + ".to_q.weight", {6, 4}, 1),
          some(kAttention + ".to_out.0.weight", {4, 6}, 2),
          some("text_encoder.layers.0.self_attn.q_proj.weight", {5, 5}, 3),
          some("unet.conv_in.weight", {3, 2, 3, 3}, 4),
          some("unet.conv_in.bias", {3}, 5)};
}

inline void writeModel(const std::string& path) {
  std::vector<TensorSpec> specs;
  for (const Tensor& tensor : modelTensors())
    specs.push_back({tensor.name, DType::kF32, tensor.shape});
  auto writer = CheckpointWriter::create(path, specs, {});
  ASSERT_TRUE(writer.ok()) << writer.status().message();
  for (const Tensor& tensor : modelTensors())
    ASSERT_TRUE(writer->write(std::as_bytes(std::span(tensor.values))).ok());
  ASSERT_TRUE(writer->commit().ok());
}

inline void writeAdapter(const std::string& path,
                         std::span<const Tensor> tensors,
                         const StringMap& metadata = {}) {
  std::vector<TensorView> views;
  for (const Tensor& tensor : tensors)
    views.push_back({tensor.name, DType::kF32, tensor.shape,
                     std::as_bytes(std::span(tensor.values))});
  Status written = writeSafetensors(path, views, metadata);
  ASSERT_TRUE(written.ok()) << written.message();
}

} // namespace burin::adapters
