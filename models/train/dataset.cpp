// SPDX-License-Identifier: Apache-2.0
// Finds out what is encoded already, encodes the rest, and maps all of it.
#include "models/train/dataset.h"

#include <algorithm>
#include <filesystem>

#include "formats/file/sha256.h"

namespace burin::train {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFormat = "burin encoded examples 1";

// A shard on its way; `broken` says why it is left out.
struct Job {
  std::string path;
  EncodeJob encode;
  int64_t examples = 0; // to be encoded
  Status broken;
};

std::string fingerprint(const DatasetOptions& options,
                        const std::string& path) {
  std::error_code error;
  std::string text(kFormat);
  for (const std::string& part :
       {options.encoderFingerprint, std::to_string(options.size),
        fs::path(path).filename().string(),
        std::to_string(fs::file_size(path, error)),
        std::to_string(
            fs::last_write_time(path, error).time_since_epoch().count())})
    text += "\n" + part;
  return sha256Hex(std::as_bytes(std::span(text)));
}

bool isEncoded(const EncodeJob& job) {
  Result<EncodedShard> shard = EncodedShard::open(job.path, job.shape);
  return shard.ok() && shard->fingerprint() == job.fingerprint;
}

Job jobOf(const DatasetOptions& options, const std::string& path) {
  Job job;
  job.path = path;
  job.encode.shape = options.shape;
  job.encode.size = options.size;
  job.encode.path =
      (fs::path(options.cache) / fs::path(path).filename()).string();
  job.encode.fingerprint = fingerprint(options, path);
  if (isEncoded(job.encode))
    return job;
  Result<Shard> shard = Shard::open(path);
  job.broken = shard.status();
  job.examples = shard.ok() ? shard->count() : 0;
  if (shard.ok() && job.examples == 0)
    job.broken = dataLoss("'" + path + "' has no examples");
  return job;
}

Status encodeAll(std::vector<Job>& jobs, const text::ClipTokenizer& tokenizer,
                 const EncoderFactory& makeEncoder,
                 const DatasetEvents& events) {
  int64_t total = 0, done = 0;
  for (const Job& job : jobs)
    total += job.examples;
  if (total == 0)
    return okStatus();
  BURIN_TRY(events.onProgress(0, total));
  BURIN_ASSIGN(std::unique_ptr<ExampleEncoder> encoder, makeEncoder());
  auto advance = [&](int64_t more) {
    done += more;
    return events.onProgress(done, total);
  };
  for (Job& job : jobs) {
    if (job.examples == 0)
      continue;
    BURIN_ASSIGN(Shard shard, Shard::open(job.path));
    BURIN_TRY(encodeShard(shard, job.encode, tokenizer, *encoder, advance));
  }
  return okStatus();
}

Status makeCache(const DatasetOptions& options) {
  std::error_code error;
  fs::create_directories(options.cache, error);
  if (error)
    return unavailable("cannot make the folder '" + options.cache +
                       "' for encoded examples: " + error.message());
  // Encoded shards have the names of those that they are made from.
  if (fs::equivalent(options.cache, options.folder, error))
    return invalidArgument("'" + options.cache +
                           "' is the folder of the shards and of what is "
                           "encoded of them; the one would replace the "
                           "other, choose another folder for 'cache'");
  return okStatus();
}

} // namespace

Result<std::vector<std::string>> listShards(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> paths;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error))
    if (entry->path().extension() == ".safetensors")
      paths.push_back(entry->path().string());
  if (error)
    return notFound("cannot list the data folder '" + folder + "': " +
                    error.message() + "; 'burin data' makes one with shards");
  if (paths.empty())
    return notFound("the data folder '" + folder +
                    "' has no shard, a file that ends in .safetensors; "
                    "'burin data --out " +
                    folder + "' makes some");
  std::ranges::sort(paths);
  return paths;
}

void Dataset::add(EncodedShard shard, const std::string& path,
                  const DatasetEvents& events) {
  auto number = static_cast<uint32_t>(shards_.size());
  for (int i = 0; i < shard.count(); ++i) {
    Fault fault = shard.fault(i);
    if (fault == Fault::kNone) {
      places_.emplace_back(number, static_cast<uint32_t>(i));
      continue;
    }
    ++leftOut_;
    events.onFault("example " + std::to_string(i) + " of '" + path + "' " +
                   std::string(describe(fault)) + " and is left out");
  }
  shards_.push_back(std::move(shard));
}

Result<Dataset> Dataset::open(const DatasetOptions& options,
                              const text::ClipTokenizer& tokenizer,
                              const EncoderFactory& makeEncoder,
                              const DatasetEvents& events) {
  BURIN_ASSIGN(std::vector<std::string> paths, listShards(options.folder));
  BURIN_TRY(makeCache(options));
  std::vector<Job> jobs;
  for (const std::string& path : paths)
    jobs.push_back(jobOf(options, path));
  if (std::ranges::all_of(jobs, [](auto& job) { return !job.broken.ok(); }))
    return jobs.front().broken.within(
        "none of the " + std::to_string(jobs.size()) +
        " shards in the data folder can be read, the first because");
  BURIN_TRY(encodeAll(jobs, tokenizer, makeEncoder, events));

  Dataset data;
  data.shape_ = options.shape;
  for (const Job& job : jobs) {
    if (!job.broken.ok()) {
      events.onFault(job.broken.message() + "; the shard is left out");
      continue;
    }
    BURIN_ASSIGN(EncodedShard shard,
                 EncodedShard::open(job.encode.path, options.shape));
    data.add(std::move(shard), job.path, events);
  }
  if (data.count() == 0)
    return dataLoss("the shards in '" + options.folder +
                    "' hold no example to learn from; make new ones with "
                    "'burin data'");
  return data;
}

Dataset::Example Dataset::at(size_t i) const {
  auto [shard, index] = places_[i];
  const EncodedShard& from = shards_[shard];
  auto place = static_cast<int>(index);
  return {from.source(place), from.target(place), from.states(place)};
}

} // namespace burin::train
