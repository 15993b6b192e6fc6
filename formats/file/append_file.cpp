// SPDX-License-Identifier: Apache-2.0
// O_APPEND, with errno turned into a message.
#include "formats/file/append_file.h"

#include "formats/file/file_error.h"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace burin {

Result<AppendFile> AppendFile::open(const std::string& path) {
  AppendFile file;
  file.path_ = path;
  file.descriptor_ =
      ::open(path.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0666);
  if (file.descriptor_ < 0)
    return fileError("write", path, errno);
  return file;
}

AppendFile::AppendFile(AppendFile&& other) noexcept {
  *this = std::move(other);
}

AppendFile& AppendFile::operator=(AppendFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(pending_, other.pending_);
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

AppendFile::~AppendFile() {
  if (descriptor_ >= 0)
    ::close(descriptor_);
}

Status AppendFile::append(std::span<const std::byte> bytes) {
  return append(std::string_view(reinterpret_cast<const char*>(bytes.data()),
                                 bytes.size()));
}

Status AppendFile::append(std::string_view text) {
  pending_ += text;
  while (!pending_.empty()) {
    ssize_t count = ::write(descriptor_, pending_.data(), pending_.size());
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return fileError("write", path_, count < 0 ? errno : ENOSPC);
    pending_.erase(0, static_cast<size_t>(count));
  }
  return okStatus();
}

} // namespace burin
