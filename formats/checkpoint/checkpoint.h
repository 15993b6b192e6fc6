// SPDX-License-Identifier: Apache-2.0
// Opens the file that carries a model: tensors bound in place, and whatever
// else a loader needs as text (configurations, tokenizer, licence).
#pragma once

#include "formats/file/mapped_file.h"
#include "formats/file/tensor_view.h"

#include <optional>
#include <utility>
#include <vector>

namespace burin {

// The limits that a reader holds a file to; checkpoint.fbs has the layout.
inline constexpr uint64_t kMaxCheckpointIndex = 1ull << 30;
inline constexpr size_t kMaxCheckpointShards = 4096;
inline constexpr size_t kMaxTensorRank = 16;

// Views into an index that passed every check.
struct CheckpointIndex {
  struct Tensor {
    TensorView view; // without data
    uint32_t shard = 0;
    uint64_t offset = 0, bytes = 0;
  };
  struct Shard {
    std::string_view file; // a plain name, beside the first file
    uint64_t bytes = 0;
  };
  std::vector<Tensor> tensors; // ascending by name
  std::vector<std::pair<std::string_view, std::string_view>> metadata;
  std::vector<Shard> shards;
};

// Checks the index inside `file`, the bytes of a whole checkpoint file, which
// must be aligned to 8. The result points into `file`.
Result<CheckpointIndex> parseCheckpointIndex(std::span<const std::byte> file);

// An open checkpoint. Opening reads the index alone, never tensor data, and
// fails unless every shard is there with its size and every tensor lies
// aligned inside its file without overlap. Thread-safe once open.
class Checkpoint {
public:
  static Result<Checkpoint> open(const std::string& path);

  const std::string& path() const { return files_.front().path(); }
  // Ascending by name.
  std::span<const TensorView> tensors() const { return tensors_; }
  // Null when there is none of that name.
  const TensorView* find(std::string_view name) const;
  // As find, but an error that names the tensor and the checkpoint.
  Result<TensorView> tensor(std::string_view name) const;

  // Ascending by key.
  std::span<const std::pair<std::string_view, std::string_view>>
  metadata() const {
    return metadata_;
  }
  std::optional<std::string_view> metadata(std::string_view key) const;

  // The first file and the shards, in the order of Tensor.shard.
  std::span<const MappedFile> files() const { return files_; }

  // Hints. prefetch: the tensor will be read soon. release: it will not; its
  // pages no longer count as this process's memory (they come back on access),
  // for weights that were packed elsewhere.
  void prefetch(const TensorView& tensor) const;
  void release(const TensorView& tensor) const;

private:
  Checkpoint() = default;

  std::vector<MappedFile> files_;
  std::vector<TensorView> tensors_;
  std::vector<std::pair<std::string_view, std::string_view>> metadata_;
};

} // namespace burin
