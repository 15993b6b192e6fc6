// SPDX-License-Identifier: Apache-2.0
// One worker a thread, each taking the next shard.
#include "models/data/produce.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <mutex>
#include <thread>

namespace burin::data {
namespace {

std::string shardPath(const std::string& folder, int64_t first) {
  char name[40];
  std::snprintf(name, sizeof(name), "%012lld.safetensors",
                static_cast<long long>(first));
  return folder + "/" + name;
}

std::string joinedKinds() {
  std::string names;
  for (std::string_view kind : kEditNames)
    names += (names.empty() ? "" : ",") + std::string(kind);
  return names;
}

// State shared by the workers of one call.
struct Work {
  const Catalogue& catalogue;
  const ProduceOptions& options;
  const std::string& folder;
  const std::function<bool(int64_t)>& progress;

  std::atomic<int64_t> nextShard = 0;
  std::atomic<bool> stopped = false;
  std::mutex mutex{}; // guards the rest
  int64_t finished = 0;
  Status status{};

  void stop(Status reason) {
    std::lock_guard lock(mutex);
    if (status.ok())
      status = std::move(reason);
    stopped = true;
  }

  void advance(int64_t examples) {
    std::lock_guard lock(mutex);
    finished += examples;
    if (progress && !progress(finished) && status.ok()) {
      status =
          Status(Code::kCancelled,
                 "stopped after " + std::to_string(finished) + " examples");
      stopped = true;
    }
  }
};

Status produceShard(Work& work, const Generator& generator, int64_t number) {
  const ProduceOptions& o = work.options;
  int64_t first = o.first + number * o.shardExamples;
  int count = static_cast<int>(
      std::min<int64_t>(o.shardExamples, o.first + o.count - first));
  ShardData shard(count, o.side);
  constexpr int kReportEvery = 32;
  int reported = 0;
  for (int i = 0; i < count && !work.stopped; ++i) {
    render(generator, work.catalogue, first + i, o.kind, shard, i);
    if (i + 1 - reported == kReportEvery || i + 1 == count) {
      work.advance(i + 1 - reported);
      reported = i + 1;
    }
  }
  if (work.stopped)
    return okStatus();
  return writeShard(shardPath(work.folder, first), shard,
                    {{"kinds", joinedKinds()},
                     {"seed", std::to_string(o.seed)},
                     {"split", o.split == Split::kTrain ? "train" : "heldout"},
                     {"first", std::to_string(first)}});
}

void runWorker(Work& work) {
  const ProduceOptions& o = work.options;
  Generator generator(work.catalogue, o.seed, o.split);
  int64_t shards = (o.count + o.shardExamples - 1) / o.shardExamples;
  while (!work.stopped) {
    int64_t number = work.nextShard++;
    if (number >= shards)
      return;
    if (Status status = produceShard(work, generator, number); !status.ok())
      work.stop(std::move(status));
  }
}

} // namespace

void render(const Generator& generator, const Catalogue& catalogue,
            uint64_t index, std::optional<EditKind> kind, ShardData& shard,
            int slot) {
  Example example = kind ? generator.make(index, *kind) : generator.make(index);
  Canvas canvas(shard.side);
  paint(example.source, catalogue, canvas);
  quantize(canvas, shard.source(slot).data());
  paint(example.target, catalogue, canvas);
  quantize(canvas, shard.target(slot).data());
  shard.kinds[slot] = static_cast<uint8_t>(example.kind);
  shard.texts[slot] = std::move(example.instruction);
}

Status produce(const Catalogue& catalogue, const ProduceOptions& options,
               const std::string& folder,
               const std::function<bool(int64_t)>& progress) {
  if (options.count < 1 || options.shardExamples < 1 || options.side < 8 ||
      options.first < 0)
    return invalidArgument("examples, their first index, shard size and side "
                           "must be at least 1, 0, 1 and 8");
  Work work{catalogue, options, folder, progress};
  std::vector<std::thread> threads;
  for (int i = 1; i < options.threads; ++i)
    threads.emplace_back([&work] { runWorker(work); });
  runWorker(work);
  for (std::thread& thread : threads)
    thread.join();
  return work.status;
}

} // namespace burin::data
