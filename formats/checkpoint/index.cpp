// SPDX-License-Identifier: Apache-2.0
// Decides whether the index of a checkpoint can be believed.
#include "formats/checkpoint/checkpoint.h"
#include "formats/checkpoint/checkpoint_generated.h"
#include "formats/checkpoint/layout.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <tuple>

namespace burin {
namespace {

std::string_view view(const flatbuffers::String* text) {
  return {text->c_str(), text->size()};
}

Status damaged(const std::string& what) {
  return dataLoss("its index is damaged: " + what +
                  "; fetch or convert the checkpoint again");
}

// The FlatBuffer inside `file`, verified in form but not yet in meaning.
Result<const checkpoint::Index*> findIndex(std::span<const std::byte> file) {
  using namespace checkpoint;
  if (file.size() < kIndexOffset ||
      std::memcmp(file.data(), kMagic.data(), kMagic.size()) != 0)
    return dataLoss("it does not start as a Burin checkpoint does; make one "
                    "with 'burin convert'");
  uint64_t size = 0;
  std::memcpy(&size, file.data() + kMagic.size(), sizeof size);
  if (size > kMaxCheckpointIndex)
    return damaged("it claims " + std::to_string(size) + " bytes, at most " +
                   std::to_string(kMaxCheckpointIndex) + " are allowed");
  if (size > file.size() - kIndexOffset)
    return damaged("it claims " + std::to_string(size) + " bytes, the file " +
                   "has " + std::to_string(file.size()));
  const auto* bytes =
      reinterpret_cast<const uint8_t*>(file.data() + kIndexOffset);
  // An index is four tables deep; a tensor or entry costs at least 16 bytes.
  flatbuffers::Verifier verifier(bytes, size, /*max_depth=*/8,
                                 /*max_tables=*/1 + size / 16);
  if (size < 8 || !VerifyIndexBuffer(verifier))
    return damaged("its FlatBuffer is malformed");
  const Index* index = GetIndex(bytes);
  if (index->version() != kVersion)
    return unimplemented("it has version " + std::to_string(index->version()) +
                         " of the checkpoint format, this Burin reads " +
                         std::to_string(kVersion) +
                         "; convert the model again");
  return index;
}

Status checkShards(const checkpoint::Index& index, CheckpointIndex& result) {
  if (index.shards()->size() > kMaxCheckpointShards)
    return damaged(std::to_string(index.shards()->size()) +
                   " shards, at most " + std::to_string(kMaxCheckpointShards) +
                   " are allowed");
  std::set<std::string_view> names;
  for (const checkpoint::Shard* shard : *index.shards()) {
    std::string_view name = view(shard->file());
    if (name.empty() || name == "." || name == ".." ||
        name.find_first_of(std::string_view("/\0", 2)) != name.npos)
      return damaged("the shard name '" + std::string(name) +
                     "' is not that of a file beside the checkpoint");
    if (!names.insert(name).second)
      return damaged("the shard '" + std::string(name) + "' is listed twice");
    result.shards.push_back({name, shard->bytes()});
  }
  return okStatus();
}

Status checkTensor(const checkpoint::Tensor& tensor, size_t shards,
                   CheckpointIndex::Tensor& result) {
  const std::string label = "tensor '" + tensor.name()->str() + "' ";
  if (tensor.dtype() >= kDTypeCount)
    return damaged(label + "has the unknown element type " +
                   std::to_string(tensor.dtype()));
  // The verifier aligns a vector's length, not its elements.
  const bool scalar = tensor.shape()->size() == 0;
  if (!scalar &&
      reinterpret_cast<uintptr_t>(tensor.shape()->Data()) % alignof(int64_t))
    return damaged(label + "has a shape that does not lie aligned");
  result.view.name = view(tensor.name());
  result.view.dtype = static_cast<DType>(tensor.dtype());
  if (!scalar)
    result.view.shape = {tensor.shape()->data(), tensor.shape()->size()};
  result.shard = tensor.shard();
  result.offset = tensor.offset();
  result.bytes = tensor.bytes();
  if (result.view.shape.size() > kMaxTensorRank)
    return damaged(label + "has " + std::to_string(result.view.shape.size()) +
                   " dimensions, at most " + std::to_string(kMaxTensorRank) +
                   " are allowed");
  std::optional<int64_t> bytes =
      byteCount(result.view.dtype, result.view.shape);
  if (!bytes || static_cast<uint64_t>(*bytes) != result.bytes)
    return damaged(label + "of type " + std::string(name(result.view.dtype)) +
                   " and shape " + toString(result.view.shape) + " claims " +
                   std::to_string(result.bytes) + " bytes");
  if (result.shard > shards)
    return damaged(label + "lies in shard " + std::to_string(result.shard) +
                   " of " + std::to_string(shards));
  if (result.offset % checkpoint::alignmentOf(result.bytes) != 0)
    return damaged(label + "starts at byte " + std::to_string(result.offset) +
                   ", not at a multiple of " +
                   std::to_string(checkpoint::alignmentOf(result.bytes)));
  return okStatus();
}

// Every tensor inside its file, after the index, and none on another.
Status checkPlaces(const CheckpointIndex& index, uint64_t dataStart,
                   uint64_t fileBytes) {
  std::vector<const CheckpointIndex::Tensor*> order;
  for (const CheckpointIndex::Tensor& tensor : index.tensors)
    if (tensor.bytes > 0)
      order.push_back(&tensor);
  std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return std::tie(a->shard, a->offset) < std::tie(b->shard, b->offset);
  });
  const CheckpointIndex::Tensor* before = nullptr;
  for (const CheckpointIndex::Tensor* tensor : order) {
    std::string label = "tensor '" + std::string(tensor->view.name) + "' ";
    uint64_t size =
        tensor->shard ? index.shards[tensor->shard - 1].bytes : fileBytes;
    if (tensor->offset > size || tensor->bytes > size - tensor->offset)
      return damaged(label + "of " + std::to_string(tensor->bytes) +
                     " bytes at byte " + std::to_string(tensor->offset) +
                     " ends outside its file of " + std::to_string(size));
    if (tensor->shard == 0 && tensor->offset < dataStart)
      return damaged(label + "lies inside the index");
    if (before && before->shard == tensor->shard &&
        tensor->offset < before->offset + before->bytes)
      return damaged(label + "overlaps tensor '" +
                     std::string(before->view.name) + "'");
    before = tensor;
  }
  return okStatus();
}

} // namespace

Result<CheckpointIndex> parseCheckpointIndex(std::span<const std::byte> file) {
  BURIN_ASSIGN(const checkpoint::Index* index, findIndex(file));
  CheckpointIndex result;
  BURIN_TRY(checkShards(*index, result));
  result.tensors.reserve(index->tensors()->size());
  for (const checkpoint::Tensor* tensor : *index->tensors()) {
    CheckpointIndex::Tensor& checked = result.tensors.emplace_back();
    BURIN_TRY(checkTensor(*tensor, result.shards.size(), checked));
    size_t count = result.tensors.size();
    if (count > 1 && !(result.tensors[count - 2].view.name < checked.view.name))
      return damaged("tensor '" + std::string(checked.view.name) +
                     "' is repeated or out of order");
  }
  for (const checkpoint::Entry* entry : *index->metadata()) {
    if (!result.metadata.empty() &&
        !(result.metadata.back().first < view(entry->key())))
      return damaged("metadata key '" + entry->key()->str() +
                     "' is repeated or out of order");
    result.metadata.emplace_back(view(entry->key()), view(entry->value()));
  }
  uint64_t indexBytes = 0;
  std::memcpy(&indexBytes, file.data() + checkpoint::kMagic.size(),
              sizeof indexBytes);
  BURIN_TRY(
      checkPlaces(result, checkpoint::kIndexOffset + indexBytes, file.size()));
  return result;
}

} // namespace burin
