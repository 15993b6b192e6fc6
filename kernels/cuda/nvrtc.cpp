// SPDX-License-Identifier: Apache-2.0
// Opens libnvrtc and compiles texts on several threads.
#include "kernels/cuda/nvrtc.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <thread>

#include <dlfcn.h>

#include "formats/file/atomic_file.h"
#include "kernels/cuda/plan.h"

namespace burin {
namespace {

// Signatures as nvrtc.h of CUDA 12 and 13 has them; 0 means success.
struct Nvrtc {
  using Handle = void*;
  int (*create)(Handle*, const char* text, const char* name, int headers,
                const char* const* texts, const char* const* paths);
  int (*destroy)(Handle*);
  int (*compile)(Handle, int count, const char* const* options);
  int (*logSize)(Handle, size_t*);
  int (*log)(Handle, char*);
  int (*cubinSize)(Handle, size_t*);
  int (*cubin)(Handle, char*);
};

constexpr std::array kLibraries = {"libnvrtc.so.13", "libnvrtc.so.12",
                                   "libnvrtc.so",
                                   "/usr/local/cuda/lib64/libnvrtc.so",
                                   "/usr/local/cuda/lib64/libnvrtc.so.13"};
constexpr const char* kVariable = "BURIN_NVRTC";

void* openLibrary() {
  if (const char* given = std::getenv(kVariable); given && *given)
    return dlopen(given, RTLD_NOW | RTLD_LOCAL);
  for (const char* name : kLibraries)
    if (void* library = dlopen(name, RTLD_NOW | RTLD_LOCAL))
      return library;
  return nullptr;
}

Result<Nvrtc> openNvrtc() {
  // Never closed: compilation may be asked for again.
  static void* library = openLibrary();
  if (!library)
    return unavailable(
        "compiling for a GPU needs NVRTC, and libnvrtc.so was not found; "
        "install the CUDA toolkit 12.4 or newer (its package cuda-nvrtc), or "
        "set $" +
        std::string(kVariable) + " to the file");
  Nvrtc nvrtc;
  bool complete = true;
  auto find = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(
        dlsym(library, name));
    complete &= function != nullptr;
  };
  find(nvrtc.create, "nvrtcCreateProgram");
  find(nvrtc.destroy, "nvrtcDestroyProgram");
  find(nvrtc.compile, "nvrtcCompileProgram");
  find(nvrtc.logSize, "nvrtcGetProgramLogSize");
  find(nvrtc.log, "nvrtcGetProgramLog");
  find(nvrtc.cubinSize, "nvrtcGetCUBINSize");
  find(nvrtc.cubin, "nvrtcGetCUBIN");
  if (!complete)
    return unavailable("the NVRTC found is too old; Burin needs that of CUDA "
                       "12.4 or newer");
  return nvrtc;
}

std::string firstLines(const std::string& log) {
  constexpr size_t kShown = 600;
  return log.size() <= kShown ? log : log.substr(0, kShown) + "...";
}

Result<std::vector<std::byte>> compileOne(const Nvrtc& nvrtc,
                                          const KernelText& kernel,
                                          const std::string& target) {
  std::vector<std::string> storage; // zero-terminated
  for (const kernels::cuda::Header& header : kernels::cuda::headers()) {
    storage.emplace_back(header.path);
    storage.emplace_back(header.text);
  }
  std::vector<const char*> paths, texts;
  for (size_t i = 0; i < storage.size(); i += 2) {
    paths.push_back(storage[i].c_str());
    texts.push_back(storage[i + 1].c_str());
  }
  Nvrtc::Handle handle = nullptr;
  if (nvrtc.create(&handle, kernel.text.c_str(), kernel.name.c_str(),
                   static_cast<int>(paths.size()), texts.data(),
                   paths.data()) != 0)
    return internalError("NVRTC did not take the text of " + kernel.name);
  std::string architecture = "--gpu-architecture=" + target;
  std::array options = {architecture.c_str(), "--std=c++17",
                        "--extra-device-vectorization"};
  int failed = nvrtc.compile(handle, options.size(), options.data());
  size_t size = 0;
  if (failed) {
    nvrtc.logSize(handle, &size);
    std::string log(size, '\0');
    nvrtc.log(handle, log.data());
    nvrtc.destroy(&handle);
    return internalError("NVRTC refused " + kernel.name + " for " + target +
                         ": " + firstLines(log));
  }
  nvrtc.cubinSize(handle, &size);
  std::vector<std::byte> code(size);
  nvrtc.cubin(handle, reinterpret_cast<char*>(code.data()));
  nvrtc.destroy(&handle);
  if (code.empty())
    return internalError("NVRTC made no code of " + kernel.name + " for " +
                         target);
  return code;
}

// For people who work on kernels: their texts, as files.
Status keepTexts(const std::vector<KernelText>& texts) {
  const char* folder = std::getenv("BURIN_KEEP_KERNELS");
  if (!folder || !*folder)
    return okStatus();
  for (const KernelText& kernel : texts)
    BURIN_TRY(writeFileAtomically(std::string(folder) + "/" + kernel.name,
                                  std::as_bytes(std::span(kernel.text))));
  return okStatus();
}

} // namespace

Status nvrtcAvailable() {
  return openNvrtc().status();
}

Result<std::vector<std::vector<std::byte>>>
compileKernels(const std::vector<KernelText>& texts,
               const std::string& target) {
  BURIN_ASSIGN(Nvrtc nvrtc, openNvrtc());
  BURIN_TRY(keepTexts(texts));
  std::vector<std::vector<std::byte>> codes(texts.size());
  std::atomic<size_t> next = 0;
  std::mutex mutex;
  Status first;
  auto work = [&] {
    for (size_t i = next++; i < texts.size(); i = next++) {
      auto code = compileOne(nvrtc, texts[i], target);
      if (code.ok()) {
        codes[i] = *std::move(code);
        continue;
      }
      std::lock_guard lock(mutex);
      if (first.ok())
        first = code.status();
      next = texts.size();
    }
  };
  size_t threads = std::clamp<size_t>(std::thread::hardware_concurrency(), 1,
                                      std::max<size_t>(texts.size(), 1));
  std::vector<std::thread> pool;
  for (size_t i = 1; i < threads; ++i)
    pool.emplace_back(work);
  work();
  for (std::thread& thread : pool)
    thread.join();
  if (!first.ok())
    return first;
  return codes;
}

} // namespace burin
