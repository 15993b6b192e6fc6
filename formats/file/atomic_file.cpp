// SPDX-License-Identifier: Apache-2.0
// O_TMPFILE or a hidden sibling, then link and rename.
#include "formats/file/atomic_file.h"

#include "formats/file/file_error.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace burin {
namespace {

std::string folderOf(const std::string& path) {
  std::string folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

// A hidden name in the same folder (rename cannot cross file systems),
// distinct between processes and attempts.
std::string siblingName(const std::string& path, int attempt) {
  std::filesystem::path target(path);
  std::string name = "." + target.filename().string().substr(0, 200) + "." +
                     std::to_string(::getpid()) + "-" +
                     std::to_string(attempt) + ".part";
  return (target.parent_path() / name).string();
}

constexpr int kAttempts = 100;

} // namespace

Result<AtomicFile> AtomicFile::create(const std::string& path) {
  struct stat info;
  if (path.empty())
    return invalidArgument("the output path is empty; name a file");
  if (::stat(path.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode))
      return fileError("write", path, EISDIR);
    if (!S_ISREG(info.st_mode))
      return invalidArgument("cannot write '" + path +
                             "': it is a device, pipe or socket; give the "
                             "path of a regular file");
  } else if (errno != ENOENT) {
    return fileError("write", path, errno);
  }
  AtomicFile file;
  file.path_ = path;
  BURIN_TRY(file.openTemporary());
  return file;
}

Status AtomicFile::openTemporary() {
  const std::string folder = folderOf(path_);
  descriptor_ = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
  if (descriptor_ >= 0)
    return okStatus();
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    std::string name = siblingName(path_, attempt);
    descriptor_ =
        ::open(name.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0666);
    if (descriptor_ >= 0) {
      temporary_ = name;
      return okStatus();
    }
    if (errno != EEXIST)
      return fileError("write", path_, errno);
  }
  return fileError("write", path_, EEXIST);
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept {
  *this = std::move(other);
}

AtomicFile& AtomicFile::operator=(AtomicFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(temporary_, other.temporary_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(position_, other.position_);
  return *this;
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0)
    ::close(descriptor_);
  if (!temporary_.empty())
    ::unlink(temporary_.c_str());
}

Status AtomicFile::reserve(uint64_t bytes) {
  struct statvfs disk;
  if (::fstatvfs(descriptor_, &disk) == 0) {
    uint64_t available = uint64_t{disk.f_bavail} * disk.f_frsize;
    if (available < bytes)
      return unavailable("cannot write '" + path_ + "': it needs " +
                         humanBytes(bytes) + ", its disk has " +
                         humanBytes(available) +
                         " left; free some space or choose another folder");
  }
  if (bytes > 0 &&
      ::fallocate(descriptor_, FALLOC_FL_KEEP_SIZE, 0,
                  static_cast<off_t>(bytes)) != 0 &&
      (errno == ENOSPC || errno == EFBIG || errno == EDQUOT))
    return fileError("write", path_, errno);
  return okStatus();
}

Status AtomicFile::write(std::span<const std::byte> bytes) {
  BURIN_TRY(writeAt(position_, bytes));
  position_ += bytes.size();
  return okStatus();
}

Status AtomicFile::write(std::string_view text) {
  return write(std::as_bytes(std::span(text)));
}

Status AtomicFile::padTo(uint64_t offset) {
  static constexpr std::array<std::byte, 4096> kZeros{};
  if (offset < position_)
    return internalError("padding of '" + path_ + "' would go backwards");
  while (position_ < offset)
    BURIN_TRY(write(std::span(kZeros).first(
        std::min<uint64_t>(kZeros.size(), offset - position_))));
  return okStatus();
}

Status AtomicFile::writeAt(uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    ssize_t count = ::pwrite(descriptor_, bytes.data(), bytes.size(),
                             static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return fileError("write", path_, count < 0 ? errno : ENOSPC);
    bytes = bytes.subspan(static_cast<size_t>(count));
    offset += static_cast<uint64_t>(count);
  }
  return okStatus();
}

Status AtomicFile::commit(Sync sync) {
  if (sync == Sync::kYes && ::fsync(descriptor_) != 0)
    return fileError("write", path_, errno);
  // A link cannot replace an existing name, a rename can.
  for (int attempt = 0; temporary_.empty(); ++attempt) {
    std::string handle = "/proc/self/fd/" + std::to_string(descriptor_);
    std::string name = siblingName(path_, attempt);
    if (::linkat(AT_FDCWD, handle.c_str(), AT_FDCWD, name.c_str(),
                 AT_SYMLINK_FOLLOW) == 0)
      temporary_ = name;
    else if (errno != EEXIST || attempt == kAttempts)
      return fileError("write", path_, errno);
  }
  // Some file systems report a failed write only here.
  if (int descriptor = std::exchange(descriptor_, -1); ::close(descriptor) != 0)
    return fileError("write", path_, errno);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0)
    return fileError("write", path_, errno);
  temporary_.clear();
  if (sync == Sync::kYes) { // the name too must survive a power cut
    int folder = ::open(folderOf(path_).c_str(), O_RDONLY | O_CLOEXEC);
    if (folder >= 0) {
      ::fsync(folder);
      ::close(folder);
    }
  }
  return okStatus();
}

Status writeFileAtomically(const std::string& path,
                           std::span<const std::byte> bytes) {
  BURIN_ASSIGN(AtomicFile file, AtomicFile::create(path));
  BURIN_TRY(file.write(bytes));
  return file.commit();
}

} // namespace burin
