// SPDX-License-Identifier: Apache-2.0
// Keeps two trainings out of one folder.
#pragma once

#include <string>
#include <utility>

#include "runtime/base/status.h"

namespace burin::train {

// Held until it is destroyed or the process ends, however it ends.
class FolderLock {
public:
  static Result<FolderLock> take(const std::string& folder);

  FolderLock(FolderLock&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FolderLock& operator=(FolderLock&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~FolderLock();

private:
  explicit FolderLock(int descriptor) : descriptor_(descriptor) {}

  int descriptor_;
};

} // namespace burin::train
