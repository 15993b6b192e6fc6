// SPDX-License-Identifier: Apache-2.0
// Lookup, compilation and storage of modules.
#include "models/pipeline/module_cache.h"

#include <cstdlib>
#include <filesystem>

#include "formats/file/atomic_file.h"
#include "formats/file/sha256.h"
#include "formats/module/module.h"
#include "models/pipeline/compiler_library.h"

namespace burin {
namespace {

std::string moduleName(std::string_view request,
                       const std::string& fingerprint) {
  std::string identity = fingerprint + " abi " + std::to_string(module::kAbi);
  identity += '\n';
  identity += request;
  return sha256Hex(std::as_bytes(std::span(identity))) + ".burinm";
}

} // namespace

std::string ModuleCacheOptions::defaultCacheFolder() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache && *cache)
    return std::string(cache) + "/burin";
  if (const char* home = std::getenv("HOME"); home && *home)
    return std::string(home) + "/.cache/burin";
  return {};
}

Result<ModuleBytes> cachedModule(std::string_view request,
                                 const ModuleCacheOptions& options) {
  BURIN_ASSIGN(std::string library, findCompilerLibrary());
  BURIN_ASSIGN(std::string fingerprint, compilerFingerprint(library));
  std::string path;
  if (!options.cacheFolder.empty()) {
    path = options.cacheFolder + "/" + moduleName(request, fingerprint);
    auto cached = MappedFile::open(path);
    if (cached.ok() && module::read(cached->bytes()).ok())
      return ModuleBytes(*std::move(cached));
  }

  if (options.onCompile)
    options.onCompile();
  BURIN_ASSIGN(auto bytes, compileWith(library, request));
  auto checked = module::read(bytes);
  if (!checked.ok())
    return internalError("the compiler made a module that does not pass its "
                         "checks: " +
                         checked.status().message());
  if (!path.empty()) {
    std::error_code error;
    std::filesystem::create_directories(options.cacheFolder, error);
    if (!error)
      (void)writeFileAtomically(path, bytes);
  }
  return ModuleBytes(std::move(bytes));
}

} // namespace burin
