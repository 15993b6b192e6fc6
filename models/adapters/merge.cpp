// SPDX-License-Identifier: Apache-2.0
// Streams a checkpoint into another, tensor by tensor.
#include "models/adapters/merge.h"

#include <nlohmann/json.hpp>

#include "formats/checkpoint/writer.h"

namespace burin::adapters {
namespace {

constexpr const char* kMerged = "adapters";

// What the source has merged already, and these.
std::string describe(const Checkpoint& source,
                     std::span<const AdapterUse> uses) {
  const auto before = source.metadata(kMerged);
  auto list = before ? nlohmann::json::parse(*before, nullptr, false)
                     : nlohmann::json::array();
  if (!list.is_array())
    list = nlohmann::json::array({std::string(*before)});
  for (const AdapterUse& use : uses)
    list.push_back({{"file", use.path}, {"weight", use.weight}});
  return list.dump();
}

} // namespace

Result<uint64_t> mergeAdapters(const std::string& source,
                               std::span<const AdapterUse> uses,
                               const std::string& output) {
  BURIN_ASSIGN(Checkpoint checkpoint, Checkpoint::open(source));
  BURIN_ASSIGN(AdaptedWeights weights, AdaptedWeights::open(checkpoint, uses));
  std::vector<TensorSpec> specs;
  for (const TensorView& tensor : checkpoint.tensors())
    specs.push_back({std::string(tensor.name), tensor.dtype,
                     Shape(tensor.shape.begin(), tensor.shape.end())});
  CheckpointWriter::Metadata metadata;
  for (const auto& [key, value] : checkpoint.metadata())
    metadata.emplace(key, value);
  metadata[kMerged] = describe(checkpoint, uses);

  BURIN_ASSIGN(CheckpointWriter writer,
               CheckpointWriter::create(output, std::move(specs), metadata));
  for (const TensorView& tensor : checkpoint.tensors()) {
    BURIN_ASSIGN(TensorView merged, weights.tensor(tensor.name));
    BURIN_TRY(writer.write(merged.data));
    weights.release(merged);
  }
  BURIN_TRY(writer.commit());
  return writer.totalBytes();
}

} // namespace burin::adapters
