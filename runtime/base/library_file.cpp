// SPDX-License-Identifier: Apache-2.0
// Looks around the executable.
#include "runtime/base/library_file.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>

namespace burin {

Result<std::string> findLibraryFile(const char* file, const char* variable) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (const char* given = std::getenv(variable); given && *given) {
    if (fs::is_regular_file(given, error))
      return std::string(given);
    return notFound(std::string("$") + variable + " names '" + given +
                    "', which is not a file");
  }
  fs::path folder = fs::read_symlink("/proc/self/exe", error).parent_path();
  fs::path beside = folder.parent_path() / "lib";
  for (const fs::path& place : {folder, beside})
    if (fs::is_regular_file(place / file, error))
      return (place / file).string();
  return notFound(std::string(file) + " is neither in '" + folder.string() +
                  "' nor in '" + beside.string() + "'");
}

std::string dynamicLinkerError() {
  const char* error = dlerror();
  return error ? error : "unknown reason";
}

} // namespace burin
