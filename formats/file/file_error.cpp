// SPDX-License-Identifier: Apache-2.0
// Reasons and remedies for the file errors that users meet.
#include "formats/file/file_error.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace burin {

Status fileError(std::string_view action, const std::string& path, int error) {
  std::string head = "cannot " + std::string(action) + " '" + path + "': ";
  switch (error) {
  case ENOENT:
    return notFound(head + "no such file or folder; check the path");
  case ENOTDIR:
    return notFound(head + "a part of the path is a file, not a folder; "
                           "check the path");
  case EISDIR:
    return invalidArgument(head + "it is a folder; give the path of a file");
  case EACCES:
  case EPERM:
    return unavailable(head + "permission denied; check the owner and mode of "
                              "the file and its folder, or choose another");
  case EROFS:
    return unavailable(head + "the file system is read-only; choose another "
                              "folder");
  case ENOSPC:
  case EDQUOT:
    return unavailable(head + "no space left on the disk or in the quota; "
                              "free some space or choose another folder");
  case EFBIG:
    return unavailable(head + "the file would exceed the largest size that "
                              "this file system or 'ulimit -f' allows");
  case ENAMETOOLONG:
    return invalidArgument(head + "the name is too long; choose a shorter one");
  case ELOOP:
    return invalidArgument(head + "too many symbolic links; check the path");
  case EMFILE:
  case ENFILE:
    return unavailable(head + "too many open files; raise 'ulimit -n'");
  case ENOMEM:
    return Status(Code::kOutOfMemory,
                  head + "not enough memory or address space; check "
                         "'ulimit -v'");
  default:
    return unavailable(head + std::strerror(error));
  }
}

std::string humanBytes(uint64_t bytes) {
  static constexpr std::array<const char*, 4> kUnits = {"kB", "MB", "GB", "TB"};
  if (bytes < 1000)
    return std::to_string(bytes) + " bytes";
  double value = static_cast<double>(bytes) / 1000;
  size_t unit = 0;
  while (value >= 999.95 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %s", value, kUnits[unit]);
  return text;
}

} // namespace burin
