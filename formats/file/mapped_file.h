// SPDX-License-Identifier: Apache-2.0
// A file's bytes in memory without reading them, for weights that are bound in
// place.
#pragma once

#include "runtime/base/status.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace burin {

// Read-only and movable; bytes() keeps its address when the object is moved.
// The kernel reads pages on first touch, so opening costs microseconds
// whatever the size. The file must not shrink while it is mapped.
class MappedFile {
public:
  static Result<MappedFile> open(const std::string& path);

  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  const std::string& path() const { return path_; }
  std::span<const std::byte> bytes() const { return {data_, size_}; }

  // Hints about a part of bytes(); an advice that the system refuses is
  // ignored. prefetch: start reading all pages that the part touches.
  // release: drop the pages that lie wholly inside it from this process;
  // the next access reads them again.
  void prefetch(std::span<const std::byte> part) const;
  void release(std::span<const std::byte> part) const;

private:
  std::string path_;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

// The whole of a small file, such as a configuration. Larger than `limit` is
// an error that names both.
Result<std::string> readTextFile(const std::string& path, size_t limit);

} // namespace burin
