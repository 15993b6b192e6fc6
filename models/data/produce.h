// SPDX-License-Identifier: Apache-2.0
// Makes examples in bulk: rendered, on many threads, into shards.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "formats/dataset/shard.h"
#include "models/data/generator.h"
#include "runtime/base/status.h"

namespace burin::data {

struct ProduceOptions {
  uint64_t seed = 1;
  Split split = Split::kTrain;
  std::optional<EditKind> kind; // only this one
  int64_t first = 0;            // index of the first example
  int64_t count = 1000;
  int side = 128;
  int shardExamples = 512;
  int threads = 1;
};

// Renders example `index` into slot `slot` of a shard.
void render(const Generator& generator, const Catalogue& catalogue,
            uint64_t index, std::optional<EditKind> kind, ShardData& shard,
            int slot);

// Writes <folder>/<first index of the shard>.safetensors for all examples.
// The files do not depend on the number of threads. `progress` is called with
// the number of examples finished, from one thread at a time; when it returns
// false the work stops with kCancelled.
Status produce(const Catalogue& catalogue, const ProduceOptions& options,
               const std::string& folder,
               const std::function<bool(int64_t)>& progress);

} // namespace burin::data
