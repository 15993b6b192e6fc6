// SPDX-License-Identifier: Apache-2.0
// Lays tensors out before the first byte is written, so that data can stream
// and only the index has to wait.
#include "formats/checkpoint/writer.h"

#include "formats/checkpoint/checkpoint.h"
#include "formats/checkpoint/checkpoint_generated.h"
#include "formats/checkpoint/layout.h"
#include "formats/file/file_error.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <set>

namespace burin {
namespace {

using namespace checkpoint;

// A fast mix of whole words; it tells two contents apart, it proves nothing.
uint64_t mix(uint64_t hash, std::span<const std::byte> bytes) {
  constexpr uint64_t kOdd = 0x9e3779b97f4a7c15;
  uint64_t word = 0;
  for (; bytes.size() >= sizeof word; bytes = bytes.subspan(sizeof word)) {
    std::memcpy(&word, bytes.data(), sizeof word);
    hash = (hash ^ word) * kOdd;
    hash ^= hash >> 29;
  }
  word = 0;
  std::memcpy(&word, bytes.data(), bytes.size());
  return (hash ^ word ^ bytes.size()) * kOdd;
}

// What an older checkpoint of that name kept its data in; names of another
// pattern are not this writer's to remove.
std::vector<std::string> shardsOf(const std::string& path) {
  std::vector<std::string> files;
  if (Result<Checkpoint> old = Checkpoint::open(path); old.ok())
    for (const MappedFile& file : old->files().subspan(1))
      if (file.path().starts_with(path + "."))
        files.push_back(file.path());
  return files;
}

} // namespace

Result<CheckpointWriter>
CheckpointWriter::create(const std::string& path, std::vector<TensorSpec> specs,
                         Metadata metadata, const CheckpointOptions& options) {
  CheckpointWriter writer;
  writer.path_ = path;
  writer.specs_ = std::move(specs);
  writer.metadata_ = std::move(metadata);
  writer.options_ = options;
  BURIN_TRY(writer.checkSpecs());
  writer.placeTensors();
  if (writer.shards_.size() > kMaxCheckpointShards)
    return invalidArgument("shards of " + humanBytes(options.shardBytes) +
                           " make " + std::to_string(writer.shards_.size()) +
                           " files, at most " +
                           std::to_string(kMaxCheckpointShards) +
                           " are allowed; choose larger shards");
  for (const Shard& shard : writer.shards_) {
    // A shard's name is known at the end; the checkpoint's own stands in.
    BURIN_ASSIGN(AtomicFile file, AtomicFile::create(path));
    BURIN_TRY(file.reserve(shard.bytes));
    writer.files_.push_back(std::move(file));
  }
  BURIN_TRY(writer.beginTensors());
  return writer;
}

Status CheckpointWriter::checkSpecs() const {
  std::set<std::string_view> names;
  for (const TensorSpec& spec : specs_) {
    if (!names.insert(spec.name).second)
      return invalidArgument("tensor '" + spec.name +
                             "' is given twice; names must differ");
    if (!byteCount(spec.dtype, spec.shape) ||
        spec.shape.size() > kMaxTensorRank)
      return invalidArgument("tensor '" + spec.name + "' has the shape " +
                             toString(spec.shape) +
                             ", which is negative, too large or of too many "
                             "dimensions");
  }
  return okStatus();
}

// The index has the same size whatever the offsets and hashes in it are, so
// one made of placeholders says where the data starts.
void CheckpointWriter::placeTensors() {
  auto place = [&](uint64_t dataStart) {
    places_.clear();
    shards_.assign(1, {});
    uint64_t end = dataStart;
    for (const TensorSpec& spec : specs_) {
      auto bytes = static_cast<uint64_t>(*byteCount(spec.dtype, spec.shape));
      if (bytes == 0) {
        places_.push_back({});
        continue;
      }
      uint64_t offset = alignUp(end, alignmentOf(bytes));
      bool empty = end == (shards_.size() == 1 ? dataStart : 0);
      if (options_.shardBytes > 0 && !empty &&
          offset + bytes > options_.shardBytes) {
        shards_.back().bytes = end;
        shards_.emplace_back();
        offset = 0;
      }
      places_.push_back(
          {static_cast<uint32_t>(shards_.size() - 1), offset, bytes});
      end = offset + bytes;
    }
    shards_.back().bytes = end;
    nameShards(0);
  };
  // More shards make a larger index, which can make one more shard.
  for (uint64_t start = 0, due = kPage; start != due;) {
    start = due;
    place(start);
    due = std::max(start, alignUp(kIndexOffset + index().size(), kPage));
  }
}

void CheckpointWriter::nameShards(uint64_t hash) {
  std::string stem = std::filesystem::path(path_).filename().string();
  for (size_t i = 1; i < shards_.size(); ++i) {
    char suffix[48];
    std::snprintf(suffix, sizeof suffix, ".%04zu-%08x", i,
                  static_cast<uint32_t>(hash >> 32));
    shards_[i].name = stem + suffix;
  }
}

std::string CheckpointWriter::index() const {
  flatbuffers::FlatBufferBuilder builder;
  builder.ForceDefaults(true); // a zero takes as much room as any value
  std::vector<flatbuffers::Offset<Tensor>> tensors;
  for (size_t i = 0; i < specs_.size(); ++i)
    tensors.push_back(
        CreateTensor(builder, builder.CreateString(specs_[i].name),
                     static_cast<uint8_t>(specs_[i].dtype),
                     builder.CreateVector(specs_[i].shape), places_[i].shard,
                     places_[i].offset, places_[i].bytes));
  std::vector<flatbuffers::Offset<Entry>> entries;
  for (const auto& [key, value] : metadata_)
    entries.push_back(CreateEntry(builder, builder.CreateString(key),
                                  builder.CreateString(value)));
  std::vector<flatbuffers::Offset<checkpoint::Shard>> shards;
  for (size_t i = 1; i < shards_.size(); ++i)
    shards.push_back(CreateShard(builder, builder.CreateString(shards_[i].name),
                                 shards_[i].bytes));
  auto sortedTensors = builder.CreateVectorOfSortedTables(&tensors);
  auto sortedEntries = builder.CreateVectorOfSortedTables(&entries);
  FinishIndexBuffer(builder,
                    CreateIndex(builder, kVersion, sortedTensors, sortedEntries,
                                builder.CreateVector(shards)));
  return {reinterpret_cast<const char*>(builder.GetBufferPointer()),
          builder.GetSize()};
}

// Leaves the room of the index, and skips tensors that have no bytes.
Status CheckpointWriter::beginTensors() {
  for (; current_ < places_.size(); ++current_) {
    const Place& place = places_[current_];
    if (place.bytes > 0)
      return files_[place.shard].padTo(place.offset);
  }
  // A checkpoint without data still has the page-aligned room of its index.
  if (files_.front().position() == 0)
    return files_.front().padTo(shards_.front().bytes);
  return okStatus();
}

Status CheckpointWriter::write(std::span<const std::byte> bytes) {
  if (bytes.empty())
    return okStatus();
  if (current_ == places_.size() ||
      bytes.size() > places_[current_].bytes - written_)
    return internalError("more data than announced for a tensor of '" + path_ +
                         "'");
  BURIN_TRY(files_[places_[current_].shard].write(bytes));
  hash_ = mix(hash_, bytes);
  written_ += bytes.size();
  if (written_ < places_[current_].bytes)
    return okStatus();
  ++current_;
  written_ = 0;
  return beginTensors();
}

Status CheckpointWriter::setMetadata(std::string_view key, std::string value) {
  auto at = metadata_.find(key);
  if (at == metadata_.end() || at->second.size() != value.size())
    return internalError("metadata '" + std::string(key) +
                         "' was not announced with this length");
  at->second = std::move(value);
  return okStatus();
}

Status CheckpointWriter::commit() {
  if (current_ < places_.size())
    return internalError("'" + path_ + "' lacks the data of tensor '" +
                         specs_[current_].name + "'");
  std::vector<std::string> old = shardsOf(path_);
  std::string unnamed = index();
  nameShards(mix(hash_, std::as_bytes(std::span(unnamed))));
  std::string text = index();
  uint64_t size = text.size();
  AtomicFile& first = files_.front();
  BURIN_TRY(first.writeAt(0, std::as_bytes(std::span(kMagic))));
  BURIN_TRY(first.writeAt(kMagic.size(), std::as_bytes(std::span(&size, 1))));
  BURIN_TRY(first.writeAt(kIndexOffset, std::as_bytes(std::span(text))));
  for (size_t i = files_.size(); i-- > 0;) {
    if (i > 0)
      files_[i].retarget(std::filesystem::path(path_)
                             .replace_filename(shards_[i].name)
                             .string());
    BURIN_TRY(files_[i].commit(options_.sync));
    std::erase(old, files_[i].path());
  }
  for (const std::string& file : old)
    std::filesystem::remove(file); // nothing refers to it any more
  return okStatus();
}

uint64_t CheckpointWriter::totalBytes() const {
  uint64_t total = 0;
  for (const Shard& shard : shards_)
    total += shard.bytes;
  return total;
}

} // namespace burin
