// SPDX-License-Identifier: Apache-2.0
// A shard holds instruction-edit examples: pairs of pictures and a sentence.
//
// It is a safetensors file, so that anything reads it, with N examples as
//   source, target  u8  [N, side, side, 3]  pictures, rows of RGB
//   kind            u8  [N]                 index into the names in `kinds`
//   text_end        i64 [N]                 where each sentence ends in `text`
//   text            u8  [bytes]             UTF-8, one after another
// and metadata "kinds" (names with commas between), "seed", "split", "first".
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/safetensors/safetensors.h"
#include "runtime/base/status.h"

namespace burin {

// A shard in memory, to be filled and written.
struct ShardData {
  ShardData(int count, int side);

  int count() const { return static_cast<int>(kinds.size()); }
  // The bytes of picture `i`.
  std::span<uint8_t> source(int i);
  std::span<uint8_t> target(int i);

  int side;
  std::vector<uint8_t> sources, targets, kinds;
  std::vector<std::string> texts;
};

Status writeShard(const std::string& path, const ShardData& data,
                  const StringMap& metadata);

// A mapped shard whose tensors have the names, types and shapes above.
class Shard {
public:
  static Result<Shard> open(const std::string& path);

  int count() const { return count_; }
  int side() const { return side_; }
  std::span<const uint8_t> source(int i) const;
  std::span<const uint8_t> target(int i) const;
  std::string_view text(int i) const;
  int kind(int i) const;
  const std::vector<std::string>& kindNames() const { return kindNames_; }
  const StringMap& metadata() const { return file_.metadata(); }

private:
  explicit Shard(SafetensorsFile file) : file_(std::move(file)) {}
  Status check();
  int64_t textEnd(int i) const;

  SafetensorsFile file_;
  int count_ = 0, side_ = 0;
  const TensorView* source_ = nullptr;
  const TensorView* target_ = nullptr;
  const TensorView* kind_ = nullptr;
  const TensorView* textEnd_ = nullptr;
  const TensorView* text_ = nullptr;
  std::vector<std::string> kindNames_;
};

} // namespace burin
