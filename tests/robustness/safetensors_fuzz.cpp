// SPDX-License-Identifier: Apache-2.0
// Safetensors headers: what the parser accepts must cover the file exactly.
#include <cstdlib>
#include <string>

#include "formats/safetensors/header.h"
#include "tests/robustness/fuzz.h"

namespace burin {
namespace {

std::vector<std::byte> fileOf(const std::string& json, size_t dataBytes) {
  uint64_t size = json.size();
  std::string text = std::string(reinterpret_cast<const char*>(&size), 8) +
                     json + std::string(dataBytes, '\0');
  auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

} // namespace

std::vector<std::vector<std::byte>> fuzzSeeds() {
  return {fileOf("{}", 0),
          fileOf(R"({"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}})",
                 24),
          fileOf(R"({"__metadata__":{"format":"pt"},)"
                 R"("b":{"dtype":"BF16","shape":[],"data_offsets":[4,6]},)"
                 R"("a":{"dtype":"U8","shape":[4,0],"data_offsets":[0,0]},)"
                 R"("c":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}})",
                 6)};
}

} // namespace burin

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto file = std::as_bytes(std::span(data, size));
  auto header = burin::parseSafetensorsHeader(file);
  if (!header.ok())
    return 0;
  uint64_t covered = 0;
  for (const auto& tensor : header->tensors) {
    if (tensor.end < tensor.begin || tensor.end > size - header->dataOffset)
      std::abort();
    covered += tensor.end - tensor.begin;
  }
  if (covered != size - header->dataOffset)
    std::abort();
  return 0;
}
