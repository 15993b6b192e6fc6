// SPDX-License-Identifier: Apache-2.0
// Reads and writes safetensors, the public exchange format of weights.
//
// A file is a u64 little-endian header size, a JSON header and the data. The
// header maps each name to {"dtype", "shape", "data_offsets": [begin, end]},
// offsets counting from the end of the header, and "__metadata__" to strings.
#pragma once

#include "formats/file/atomic_file.h"
#include "formats/file/mapped_file.h"
#include "formats/safetensors/header.h"

namespace burin {

// A mapped file whose header passed every check; its tensor data is not read
// before it is used.
class SafetensorsFile {
public:
  static Result<SafetensorsFile> open(const std::string& path);

  // In the order of their data.
  std::span<const TensorView> tensors() const { return tensors_; }
  // Null when there is none of that name.
  const TensorView* find(std::string_view name) const;
  const StringMap& metadata() const { return header_.metadata; }
  const MappedFile& file() const { return file_; }

private:
  SafetensorsFile() = default;

  MappedFile file_;
  SafetensorsHeader header_; // what the views point into
  std::vector<TensorView> tensors_;
  std::vector<uint32_t> byName_; // positions in tensors_, sorted by name
};

// Streams tensors into a file that appears when it is complete.
class SafetensorsWriter {
public:
  // `specs` gives the order of the data.
  static Result<SafetensorsWriter> create(const std::string& path,
                                          std::span<const TensorSpec> specs,
                                          const StringMap& metadata = {});

  // The data of all tensors, in that order, in pieces of any size.
  Status write(std::span<const std::byte> bytes);
  // Fails unless exactly the announced bytes were written.
  Status commit();

private:
  explicit SafetensorsWriter(AtomicFile file) : file_(std::move(file)) {}

  AtomicFile file_;
  uint64_t end_ = 0; // the size of the complete file
};

// Writes tensors at hand; their data must fit their type and shape.
Status writeSafetensors(const std::string& path,
                        std::span<const TensorView> tensors,
                        const StringMap& metadata = {});

} // namespace burin
