// SPDX-License-Identifier: Apache-2.0
// Checkpoint indices: what the parser accepts must lie inside the file.
#include <cstdlib>
#include <cstring>
#include <string>

#include "formats/checkpoint/checkpoint.h"
#include "formats/checkpoint/checkpoint_generated.h"
#include "formats/checkpoint/layout.h"
#include "tests/robustness/fuzz.h"

namespace burin {
namespace {

std::vector<std::byte> fileOf(const checkpoint::IndexT& index) {
  flatbuffers::FlatBufferBuilder builder;
  checkpoint::FinishIndexBuffer(builder,
                                checkpoint::CreateIndex(builder, &index));
  uint64_t size = builder.GetSize();
  std::string text(checkpoint::kMagic);
  text.append(reinterpret_cast<const char*>(&size), 8);
  text.append(reinterpret_cast<const char*>(builder.GetBufferPointer()), size);
  text.resize(1024 + 64 * index.tensors.size());
  auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

} // namespace

std::vector<std::vector<std::byte>> fuzzSeeds() {
  checkpoint::IndexT index;
  index.version = checkpoint::kVersion;
  std::vector<std::vector<std::byte>> seeds = {fileOf(index)};
  for (uint64_t i = 0; i < 3; ++i) {
    auto tensor = std::make_unique<checkpoint::TensorT>();
    tensor->name = "tensor" + std::to_string(i);
    tensor->dtype = static_cast<uint8_t>(DType::kF32);
    tensor->shape = {2, 2};
    tensor->bytes = 16;
    tensor->offset = 1024 + 64 * i;
    index.tensors.push_back(std::move(tensor));
  }
  auto entry = std::make_unique<checkpoint::EntryT>();
  entry->key = "architecture";
  entry->value = "none";
  index.metadata.push_back(std::move(entry));
  seeds.push_back(fileOf(index));
  auto shard = std::make_unique<checkpoint::ShardT>();
  shard->file = "model.burin.0001-00000000";
  shard->bytes = 16;
  index.shards.push_back(std::move(shard));
  index.tensors[1]->shard = 1;
  index.tensors[1]->offset = 0;
  seeds.push_back(fileOf(index));
  return seeds;
}

} // namespace burin

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // Mapped files start on a page; vectors of words are aligned enough.
  std::vector<uint64_t> words((size + 7) / 8);
  if (size > 0)
    std::memcpy(words.data(), data, size);
  auto file = std::as_bytes(std::span(words)).first(size);
  auto index = burin::parseCheckpointIndex(file);
  if (!index.ok())
    return 0;
  uint64_t sum = 0;
  for (const auto& [key, value] : index->metadata)
    sum += key.size() + value.size();
  for (const auto& tensor : index->tensors) {
    if (burin::byteCount(tensor.view.dtype, tensor.view.shape) !=
        static_cast<int64_t>(tensor.bytes))
      std::abort();
    if (tensor.shard > 0 || tensor.bytes == 0)
      continue;
    auto part = file.subspan(tensor.offset); // a wild offset is caught here
    sum += static_cast<uint64_t>(part[tensor.bytes - 1]);
    if (tensor.bytes > part.size())
      std::abort();
  }
  [[maybe_unused]] volatile uint64_t kept = sum; // so that the reads happen
  return 0;
}
