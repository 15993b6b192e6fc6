// SPDX-License-Identifier: Apache-2.0
// Maps the files of a checkpoint and hands out views.
#include "formats/checkpoint/checkpoint.h"

#include <algorithm>
#include <filesystem>

namespace burin {

Result<Checkpoint> Checkpoint::open(const std::string& path) {
  Checkpoint result;
  BURIN_ASSIGN(MappedFile first, MappedFile::open(path));
  Result<CheckpointIndex> index = parseCheckpointIndex(first.bytes());
  if (!index.ok())
    return index.status().within("'" + path + "'");
  result.files_.push_back(std::move(first));
  for (const CheckpointIndex::Shard& shard : index->shards) {
    std::filesystem::path beside(path);
    beside.replace_filename(shard.file);
    Result<MappedFile> file = MappedFile::open(beside.string());
    if (!file.ok())
      return file.status().within("a shard of '" + path + "'");
    if (file->bytes().size() != shard.bytes)
      return dataLoss("shard '" + beside.string() + "' has " +
                      std::to_string(file->bytes().size()) +
                      " bytes, the index says " + std::to_string(shard.bytes) +
                      "; it is truncated or of another checkpoint, fetch it "
                      "again");
    result.files_.push_back(*std::move(file));
  }
  result.tensors_.reserve(index->tensors.size());
  for (const CheckpointIndex::Tensor& tensor : index->tensors) {
    TensorView& view = result.tensors_.emplace_back(tensor.view);
    if (tensor.bytes > 0) // an empty tensor's offset is not checked
      view.data = result.files_[tensor.shard].bytes().subspan(tensor.offset,
                                                              tensor.bytes);
  }
  result.metadata_ = std::move(index->metadata);
  return result;
}

const TensorView* Checkpoint::find(std::string_view name) const {
  auto at =
      std::lower_bound(tensors_.begin(), tensors_.end(), name,
                       [](const TensorView& tensor, std::string_view wanted) {
                         return tensor.name < wanted;
                       });
  return at != tensors_.end() && at->name == name ? &*at : nullptr;
}

Result<TensorView> Checkpoint::tensor(std::string_view name) const {
  if (const TensorView* found = find(name))
    return *found;
  return notFound("checkpoint '" + path() + "' has no tensor '" +
                  std::string(name) +
                  "'; list what it has with 'burin inspect'");
}

std::optional<std::string_view>
Checkpoint::metadata(std::string_view key) const {
  auto at = std::lower_bound(metadata_.begin(), metadata_.end(), key,
                             [](const auto& entry, std::string_view wanted) {
                               return entry.first < wanted;
                             });
  if (at == metadata_.end() || at->first != key)
    return std::nullopt;
  return at->second;
}

void Checkpoint::prefetch(const TensorView& tensor) const {
  files_.front().prefetch(tensor.data);
}

void Checkpoint::release(const TensorView& tensor) const {
  files_.front().release(tensor.data);
}

} // namespace burin
