// SPDX-License-Identifier: Apache-2.0
// mmap and madvise behind MappedFile.
#include "formats/file/mapped_file.h"

#include "formats/file/file_error.h"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace burin {
namespace {

// Applies `advice` to the pages of `part`: those it touches, or only those
// inside it.
void advise(std::span<const std::byte> part, int advice, bool inside) {
  const uintptr_t page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  uintptr_t begin = reinterpret_cast<uintptr_t>(part.data());
  uintptr_t end = begin + part.size();
  begin = (inside ? begin + page - 1 : begin) / page * page;
  end = (inside ? end : end + page - 1) / page * page;
  if (begin < end)
    ::madvise(reinterpret_cast<void*>(begin), end - begin, advice);
}

// Opens a regular file for reading. The check before open keeps a pipe's
// name from blocking, the one after it is the one that counts.
Result<int> openRegular(const std::string& path, struct stat& info) {
  if (::stat(path.c_str(), &info) != 0)
    return fileError("read", path, errno);
  if (S_ISDIR(info.st_mode))
    return fileError("read", path, EISDIR);
  if (!S_ISREG(info.st_mode))
    return invalidArgument("cannot read '" + path +
                           "': it is a device, pipe or socket; give the path "
                           "of a regular file");
  int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return fileError("read", path, errno);
  if (::fstat(descriptor, &info) != 0) {
    int error = errno;
    ::close(descriptor);
    return fileError("read", path, error);
  }
  return descriptor;
}

} // namespace

Result<MappedFile> MappedFile::open(const std::string& path) {
  struct stat info;
  BURIN_ASSIGN(int descriptor, openRegular(path, info));
  MappedFile file;
  file.path_ = path;
  file.size_ = static_cast<size_t>(info.st_size);
  if (file.size_ > 0) { // an empty range cannot be mapped
    void* data =
        ::mmap(nullptr, file.size_, PROT_READ, MAP_PRIVATE, descriptor, 0);
    int error = errno;
    ::close(descriptor);
    if (data == MAP_FAILED) {
      file.size_ = 0;
      return fileError("map", path, error);
    }
    file.data_ = static_cast<const std::byte*>(data);
  } else {
    ::close(descriptor);
  }
  return file;
}

MappedFile::MappedFile(MappedFile&& other) noexcept {
  *this = std::move(other);
}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_)
    ::munmap(const_cast<std::byte*>(data_), size_);
}

void MappedFile::prefetch(std::span<const std::byte> part) const {
  advise(part, MADV_WILLNEED, /*inside=*/false);
}

void MappedFile::release(std::span<const std::byte> part) const {
  advise(part, MADV_DONTNEED, /*inside=*/true);
}

Result<std::string> readTextFile(const std::string& path, size_t limit) {
  BURIN_ASSIGN(MappedFile file, MappedFile::open(path));
  if (file.bytes().size() > limit)
    return invalidArgument(
        "'" + path + "' has " + humanBytes(file.bytes().size()) + ", at most " +
        humanBytes(limit) + " are expected; check that it is the right file");
  return std::string(reinterpret_cast<const char*>(file.bytes().data()),
                     file.bytes().size());
}

} // namespace burin
