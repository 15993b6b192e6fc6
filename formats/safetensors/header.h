// SPDX-License-Identifier: Apache-2.0
// The header of a safetensors file as checked data, apart from any file, so
// that tests and fuzzers reach it with bytes in memory.
#pragma once

#include "formats/file/tensor_view.h"
#include "runtime/base/status.h"

#include <map>
#include <vector>

namespace burin {

using StringMap = std::map<std::string, std::string, std::less<>>;

struct SafetensorsHeader {
  // `begin` and `end` count from the end of the header.
  struct Tensor : TensorSpec {
    uint64_t begin = 0, end = 0;
  };
  std::vector<Tensor> tensors; // ascending by begin
  StringMap metadata;
  uint64_t dataOffset = 0; // where the header ends
};

// The largest header that is read, as in the reference implementation.
inline constexpr uint64_t kMaxSafetensorsHeader = 100'000'000;

// `file` is the whole file; only its header is read. The result is beyond
// doubt: known element types, no name twice, byte counts that equal the
// shapes, and tensors that cover the rest of the file exactly.
Result<SafetensorsHeader>
parseSafetensorsHeader(std::span<const std::byte> file);

// The header's bytes, padded so that the data starts at a multiple of 64.
// Fills in begin and end of each tensor in the order given.
Result<std::string> makeSafetensorsHeader(std::span<const TensorSpec> specs,
                                          const StringMap& metadata);

} // namespace burin
