// SPDX-License-Identifier: Apache-2.0
// The examples of a folder of shards, encoded, in one sequence.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "models/text/clip_tokenizer.h"
#include "models/train/encode.h"
#include "models/train/encoded_shard.h"

namespace burin::train {

struct DatasetOptions {
  std::string folder; // of shards, in the order of their names
  std::string cache;  // folder for encoded shards; made where it is missing
  // A text that changes whenever encoding would: of the model and precision.
  std::string encoderFingerprint;
  EncodedShape shape;
  int size = 0; // of the pictures that the encoder reads, in pixels
};

struct DatasetEvents {
  // Something is broken and left out: once each, with its file and index.
  std::function<void(const std::string&)> onFault;
  // Examples that are encoded of those that must be; an error stops the work.
  std::function<Status(int64_t done, int64_t total)> onProgress;
};

// Opened when the first shard must be encoded.
using EncoderFactory = std::function<Result<std::unique_ptr<ExampleEncoder>>()>;

// Any number of threads may read one.
class Dataset {
public:
  // Encodes the shards whose file in the cache is missing, damaged or made
  // from something else. Fails when nothing is left to learn from.
  static Result<Dataset> open(const DatasetOptions& options,
                              const text::ClipTokenizer& tokenizer,
                              const EncoderFactory& makeEncoder,
                              const DatasetEvents& events);

  struct Example {
    std::span<const uint16_t> source, target; // bits of float16, not scaled
    std::span<const uint16_t> states;         // bits of bfloat16
  };

  const EncodedShape& shape() const { return shape_; }
  // Without those that are left out.
  size_t count() const { return places_.size(); }
  size_t leftOut() const { return leftOut_; }
  Example at(size_t i) const;
  std::span<const uint16_t> emptyText() const {
    return shards_.front().emptyText();
  }

private:
  Dataset() = default;
  void add(EncodedShard shard, const std::string& path,
           const DatasetEvents& events);

  EncodedShape shape_;
  std::vector<EncodedShard> shards_;
  std::vector<std::pair<uint32_t, uint32_t>> places_; // shard, index in it
  size_t leftOut_ = 0;
};

// The paths of a folder's shards, sorted by name; an error where there are
// none.
Result<std::vector<std::string>> listShards(const std::string& folder);

} // namespace burin::train
