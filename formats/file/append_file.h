// SPDX-License-Identifier: Apache-2.0
// A file that grows while others read it, such as a log.
#pragma once

#include "runtime/base/status.h"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace burin {

// Every append is one write at the end of the file, so that a reader and a
// killed process see whole records but for the last. What cannot be written, as
// on a full disk, is kept in memory and goes first with the next append.
class AppendFile {
public:
  // Makes the file when there is none.
  static Result<AppendFile> open(const std::string& path);

  AppendFile(AppendFile&& other) noexcept;
  AppendFile& operator=(AppendFile&& other) noexcept;
  ~AppendFile();

  const std::string& path() const { return path_; }
  Status append(std::span<const std::byte> bytes);
  Status append(std::string_view text);

private:
  AppendFile() = default;

  std::string path_;
  std::string pending_;
  int descriptor_ = -1;
};

} // namespace burin
