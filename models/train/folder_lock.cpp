// SPDX-License-Identifier: Apache-2.0
// flock on a file that stays.
#include "models/train/folder_lock.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "formats/file/file_error.h"

namespace burin::train {

Result<FolderLock> FolderLock::take(const std::string& folder) {
  std::string path = folder + "/lock";
  int descriptor = ::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0666);
  if (descriptor < 0)
    return fileError("write", path, errno);
  FolderLock lock(descriptor);
  if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0)
    return lock;
  if (errno == EWOULDBLOCK)
    return unavailable("another process trains into '" + folder +
                       "'; wait for it, stop it, or choose another folder "
                       "for 'output'");
  return fileError("lock", path, errno);
}

FolderLock::~FolderLock() {
  if (descriptor_ >= 0)
    ::close(descriptor_);
}

} // namespace burin::train
