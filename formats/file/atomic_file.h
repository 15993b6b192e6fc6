// SPDX-License-Identifier: Apache-2.0
// Writes a file beside its final place and renames it, so that a reader, a
// crash or a full disk never meets half a file.
#pragma once

#include "runtime/base/status.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace burin {

// Create, write, commit. Without a commit the destructor leaves the target as
// it was. Where the file system can (O_TMPFILE) the bytes have no name until
// the commit, so that even a killed process leaves nothing behind.
class AtomicFile {
public:
  enum class Sync {
    kNo, // a power cut may lose the file
    kYes // the bytes are on the disk before the name is
  };

  // Checks the target at once: its folder exists and is writable, and it is
  // not itself a folder or a device.
  static Result<AtomicFile> create(const std::string& path);

  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&& other) noexcept;
  ~AtomicFile();

  // Fails early when the disk cannot hold `bytes`; where the file system
  // supports it the space is taken.
  Status reserve(uint64_t bytes);
  Status write(std::span<const std::byte> bytes);
  Status write(std::string_view text);
  // Appends zeros up to `offset`, which must not lie before position().
  Status padTo(uint64_t offset);
  // Overwrites bytes that were written before.
  Status writeAt(uint64_t offset, std::span<const std::byte> bytes);
  uint64_t position() const { return position_; }

  // Another target in the same folder, decided before the commit.
  void retarget(const std::string& path) { path_ = path; }
  const std::string& path() const { return path_; }
  Status commit(Sync sync = Sync::kNo);

private:
  AtomicFile() = default;
  Status openTemporary();

  std::string path_;
  std::string temporary_; // empty while the bytes have no name
  int descriptor_ = -1;
  uint64_t position_ = 0;
};

// create, write and commit of bytes at hand.
Status writeFileAtomically(const std::string& path,
                           std::span<const std::byte> bytes);

} // namespace burin
