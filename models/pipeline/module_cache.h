// SPDX-License-Identifier: Apache-2.0
// Compiled modules, kept on disk under a hash of what they were made from.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "formats/file/mapped_file.h"
#include "runtime/base/status.h"

namespace burin {

// The bytes of a module, in memory or in a mapped file.
class ModuleBytes {
public:
  ModuleBytes() = default;
  explicit ModuleBytes(std::vector<std::byte> bytes)
      : bytes_(std::move(bytes)) {}
  explicit ModuleBytes(MappedFile file) : file_(std::move(file)) {}

  std::span<const std::byte> bytes() const {
    return bytes_.empty() ? file_.bytes() : std::span(bytes_);
  }

private:
  std::vector<std::byte> bytes_;
  MappedFile file_;
};

struct ModuleCacheOptions {
  // Where modules are kept; empty keeps none.
  std::string cacheFolder = defaultCacheFolder();
  // Called before a compilation that the cache could not spare.
  std::function<void()> onCompile;

  // $XDG_CACHE_HOME/burin or ~/.cache/burin; empty without a home.
  static std::string defaultCacheFolder();
};

// The module for a request (compiler/abi.h): from the cache when the same
// compiler has served the same request before, compiled and stored otherwise.
// A cached file that is damaged is compiled again; a cache that cannot be
// written costs time and is no error. Both kinds have passed module::read.
Result<ModuleBytes> cachedModule(std::string_view request,
                                 const ModuleCacheOptions& options = {});

} // namespace burin
