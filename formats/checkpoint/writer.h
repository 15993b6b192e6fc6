// SPDX-License-Identifier: Apache-2.0
// Streams a checkpoint to disk: data first, index last, then the names.
#pragma once

#include "formats/file/atomic_file.h"
#include "formats/file/tensor_view.h"

#include <map>
#include <string>
#include <vector>

namespace burin {

struct CheckpointOptions {
  // The size after which a further file is begun; 0 keeps everything in one.
  // A tensor is never split, so one larger than this has a file to itself.
  uint64_t shardBytes = 0;
  // Wait until the bytes are on the disk.
  AtomicFile::Sync sync = AtomicFile::Sync::kYes;
};

// Nothing appears under the final name before commit, and the file that the
// name belongs to appears last: a crash leaves the old checkpoint or none.
// Shards carry a hash of what they hold in their names, so new ones never
// replace those that an existing checkpoint still needs.
class CheckpointWriter {
public:
  using Metadata = std::map<std::string, std::string, std::less<>>;

  // `specs` gives the order of the data. Names must differ.
  static Result<CheckpointWriter> create(const std::string& path,
                                         std::vector<TensorSpec> specs,
                                         Metadata metadata,
                                         const CheckpointOptions& options = {});

  // The data of all tensors, in order, in pieces that do not cross from one
  // tensor to the next.
  Status write(std::span<const std::byte> bytes);
  // Replaces a value whose text becomes known while writing, such as a hash;
  // it must be as long as the one given to create().
  Status setMetadata(std::string_view key, std::string value);
  // Fails when bytes are missing.
  Status commit();

  uint64_t totalBytes() const;

private:
  struct Place {
    uint32_t shard = 0;
    uint64_t offset = 0, bytes = 0;
  };
  struct Shard {
    std::string name;
    uint64_t bytes = 0;
  };

  CheckpointWriter() = default;
  Status checkSpecs() const;
  void placeTensors();
  void nameShards(uint64_t hash);
  std::string index() const;
  Status beginTensors();

  std::string path_;
  std::vector<TensorSpec> specs_;
  Metadata metadata_;
  CheckpointOptions options_;
  std::vector<Place> places_; // one for each spec
  std::vector<Shard> shards_; // the first is the checkpoint's own file
  std::vector<AtomicFile> files_;
  size_t current_ = 0;   // the tensor being written
  uint64_t written_ = 0; // bytes of it so far
  uint64_t hash_ = 0;    // of the data, for shard names only
};

} // namespace burin
