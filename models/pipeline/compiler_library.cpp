// SPDX-License-Identifier: Apache-2.0
// Finding and calling libburin-compiler.so.
#include "models/pipeline/compiler_library.h"

#include <dlfcn.h>
#include <sys/stat.h>

#include <cerrno>

#include "compiler/abi.h"
#include "formats/file/file_error.h"
#include "runtime/base/library_file.h"

namespace burin {
namespace {

constexpr const char* kLibrary = "libburin-compiler.so";
constexpr const char* kVariable = "BURIN_COMPILER";

} // namespace

Result<std::string> findCompilerLibrary() {
  Result<std::string> file = findLibraryFile(kLibrary, kVariable);
  if (file.ok())
    return file;
  return notFound("the compiler is missing: " + file.status().message() +
                  "; build Burin with its compiler (Debian: libmlir-22-dev), "
                  "set $" +
                  kVariable +
                  " to the file, or give a module that is compiled already");
}

Result<std::string> compilerFingerprint(const std::string& library) {
  struct stat info;
  if (stat(library.c_str(), &info) != 0)
    return fileError("read", library, errno);
  return std::to_string(info.st_size) + "-" +
         std::to_string(info.st_mtim.tv_sec) + "." +
         std::to_string(info.st_mtim.tv_nsec);
}

Result<std::vector<std::byte>> compileWith(const std::string& library,
                                           std::string_view request) {
  // Never closed: LLVM keeps state that does not survive being unloaded.
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle)
    return unavailable("cannot open the compiler: " + dynamicLinkerError() +
                       "; it needs MLIR and LLVM 22 (Debian: libmlir-22)");
  auto compile =
      reinterpret_cast<decltype(&burinCompile)>(dlsym(handle, "burinCompile"));
  auto release =
      reinterpret_cast<decltype(&burinRelease)>(dlsym(handle, "burinRelease"));
  if (!compile || !release)
    return unavailable("'" + library +
                       "' is not Burin's compiler: " + dynamicLinkerError());

  BurinBytes module = {nullptr, 0}, message = {nullptr, 0};
  int failed = compile(request.data(), request.size(), &module, &message);
  const auto* data = reinterpret_cast<const std::byte*>(module.data);
  std::vector<std::byte> bytes(data, data + module.size);
  std::string text(reinterpret_cast<const char*>(message.data), message.size);
  release(&module);
  release(&message);
  if (failed != 0)
    return Status(Code::kInvalidArgument,
                  text.empty() ? "the compiler gave no reason" : text);
  return bytes;
}

} // namespace burin
