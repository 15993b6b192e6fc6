// SPDX-License-Identifier: Apache-2.0
// Shards through the safetensors reader and writer.
#include "formats/dataset/shard.h"

#include <array>
#include <cstring>
#include <limits>

namespace burin {
namespace {

size_t pictureBytes(int side) {
  return 3 * static_cast<size_t>(side) * side;
}

template <typename T>
std::span<const std::byte> bytesOf(const std::vector<T>& values) {
  return std::as_bytes(std::span(values));
}

std::span<const uint8_t> slice(const TensorView& tensor, int i, size_t bytes) {
  auto part = tensor.data.subspan(i * bytes, bytes);
  return {reinterpret_cast<const uint8_t*>(part.data()), part.size()};
}

std::vector<std::string> splitAtCommas(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    size_t comma = text.find(',');
    parts.emplace_back(text.substr(0, comma));
    text.remove_prefix(comma == text.npos ? text.size() : comma + 1);
  }
  return parts;
}

} // namespace

ShardData::ShardData(int count, int side)
    : side(side), sources(count * pictureBytes(side)),
      targets(count * pictureBytes(side)), kinds(count), texts(count) {}

std::span<uint8_t> ShardData::source(int i) {
  size_t bytes = pictureBytes(side);
  return {sources.data() + i * bytes, bytes};
}

std::span<uint8_t> ShardData::target(int i) {
  size_t bytes = pictureBytes(side);
  return {targets.data() + i * bytes, bytes};
}

Status writeShard(const std::string& path, const ShardData& data,
                  const StringMap& metadata) {
  std::string text;
  std::vector<int64_t> ends;
  for (const std::string& sentence : data.texts) {
    text += sentence;
    ends.push_back(static_cast<int64_t>(text.size()));
  }
  int64_t n = data.count(), side = data.side;
  Shape pictures = {n, side, side, 3}, list = {n};
  Shape textShape = {static_cast<int64_t>(text.size())};
  // Wide elements first keeps every tensor aligned to its element.
  std::array<TensorView, 5> tensors = {{
      {"text_end", DType::kI64, list, bytesOf(ends)},
      {"source", DType::kU8, pictures, bytesOf(data.sources)},
      {"target", DType::kU8, pictures, bytesOf(data.targets)},
      {"kind", DType::kU8, list, bytesOf(data.kinds)},
      {"text", DType::kU8, textShape, std::as_bytes(std::span(text))},
  }};
  return writeSafetensors(path, tensors, metadata);
}

Result<Shard> Shard::open(const std::string& path) {
  BURIN_ASSIGN(SafetensorsFile file, SafetensorsFile::open(path));
  Shard shard(std::move(file));
  if (Status status = shard.check(); !status.ok())
    return status.within("'" + path + "' is not a shard of examples");
  return shard;
}

Status Shard::check() {
  struct Expected {
    const char* name;
    const TensorView** place;
    DType dtype;
    size_t rank;
  };
  for (auto [tensorName, place, dtype, rank] :
       {Expected{"source", &source_, DType::kU8, 4},
        Expected{"target", &target_, DType::kU8, 4},
        Expected{"kind", &kind_, DType::kU8, 1},
        Expected{"text_end", &textEnd_, DType::kI64, 1},
        Expected{"text", &text_, DType::kU8, 1}}) {
    *place = file_.find(tensorName);
    if (*place == nullptr)
      return dataLoss("it has no tensor '" + std::string(tensorName) +
                      "'; make it with 'burin data'");
    const TensorView& tensor = **place;
    if (tensor.dtype != dtype || tensor.shape.size() != rank)
      return dataLoss("tensor '" + std::string(tensorName) + "' is " +
                      std::string(name(tensor.dtype)) + toString(tensor.shape) +
                      ", expected " + std::string(name(dtype)) + " of rank " +
                      std::to_string(rank));
  }
  int64_t n = kind_->shape[0], side = source_->shape[1];
  Shape pictures = {n, side, side, 3};
  constexpr int64_t kMost = std::numeric_limits<int>::max();
  for (const TensorView* tensor : {source_, target_})
    if (toString(tensor->shape) != toString(pictures) || side > kMost)
      return dataLoss("tensor '" + std::string(tensor->name) + "' is " +
                      toString(tensor->shape) + ", expected " +
                      toString(pictures));
  if (textEnd_->shape[0] != n || n > kMost)
    return dataLoss("tensor 'text_end' counts " +
                    std::to_string(textEnd_->shape[0]) + " sentences for " +
                    std::to_string(n) + " examples");
  count_ = static_cast<int>(n);
  side_ = static_cast<int>(side);

  auto names = file_.metadata().find("kinds");
  if (names == file_.metadata().end())
    return dataLoss("its metadata has no 'kinds'");
  kindNames_ = splitAtCommas(names->second);
  int64_t begin = 0;
  for (int i = 0; i < count_; ++i) {
    int64_t end = textEnd(i);
    if (end < begin || end > text_->shape[0])
      return dataLoss("sentence " + std::to_string(i) + " ends at " +
                      std::to_string(end) + ", outside [" +
                      std::to_string(begin) + ", " +
                      std::to_string(text_->shape[0]) + "]");
    begin = end;
    if (kind(i) >= static_cast<int>(kindNames_.size()))
      return dataLoss("example " + std::to_string(i) + " is of kind " +
                      std::to_string(kind(i)) + ", but only " +
                      std::to_string(kindNames_.size()) + " are named");
  }
  return okStatus();
}

std::span<const uint8_t> Shard::source(int i) const {
  return slice(*source_, i, pictureBytes(side_));
}

std::span<const uint8_t> Shard::target(int i) const {
  return slice(*target_, i, pictureBytes(side_));
}

int64_t Shard::textEnd(int i) const {
  int64_t end;
  std::memcpy(&end, textEnd_->data.data() + i * sizeof(end), sizeof(end));
  return end;
}

std::string_view Shard::text(int i) const {
  int64_t begin = i == 0 ? 0 : textEnd(i - 1);
  const char* characters = reinterpret_cast<const char*>(text_->data.data());
  return {characters + begin, static_cast<size_t>(textEnd(i) - begin)};
}

int Shard::kind(int i) const {
  return std::to_integer<int>(kind_->data[i]);
}

} // namespace burin
