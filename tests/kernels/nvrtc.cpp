// SPDX-License-Identifier: Apache-2.0
#include "tests/kernels/nvrtc.h"

#include <dlfcn.h>

#include <vector>

namespace burin::kernels::cuda {
namespace {

using Program = void*;
using CreateProgram = int(Program*, const char*, const char*, int,
                          const char* const*, const char* const*);
using CompileProgram = int(Program, int, const char* const*);
using GetSize = int(Program, size_t*);
using GetText = int(Program, char*);
using DestroyProgram = int(Program*);

} // namespace

std::unique_ptr<Nvrtc> Nvrtc::open(std::string& reason) {
  for (const char* name : {"libnvrtc.so", "libnvrtc.so.13", "libnvrtc.so.12",
                           "/usr/local/cuda/lib64/libnvrtc.so"})
    if (void* library = dlopen(name, RTLD_NOW | RTLD_LOCAL))
      return std::unique_ptr<Nvrtc>(new Nvrtc(library));
  reason = dlerror();
  return nullptr;
}

Nvrtc::~Nvrtc() {
  dlclose(library_);
}

template <typename Function>
Function* Nvrtc::find(const char* symbol) const {
  return reinterpret_cast<Function*>(dlsym(library_, symbol));
}

Compiled Nvrtc::compile(const LaunchPlan& plan, const Target& target) const {
  std::vector<std::string> texts;
  for (const Header& header : headers())
    texts.emplace_back(header.text);
  std::vector<std::string> paths;
  for (const Header& header : headers())
    paths.emplace_back(header.path);
  std::vector<const char*> textPointers, pathPointers;
  for (size_t i = 0; i < texts.size(); ++i) {
    textPointers.push_back(texts[i].c_str());
    pathPointers.push_back(paths[i].c_str());
  }
  Program program = nullptr;
  if (find<CreateProgram>("nvrtcCreateProgram")(
          &program, plan.source.c_str(), (plan.symbol + ".cu").c_str(),
          static_cast<int>(texts.size()), textPointers.data(),
          pathPointers.data()) != 0)
    return {false, "nvrtcCreateProgram failed"};
  const std::string arch = "-arch=" + target.name;
  const char* options[] = {arch.c_str(), "-std=c++20", "--ptxas-options=-v"};
  const int code = find<CompileProgram>("nvrtcCompileProgram")(
      program, static_cast<int>(std::size(options)), options);
  size_t size = 0;
  find<GetSize>("nvrtcGetProgramLogSize")(program, &size);
  std::string log(size, '\0');
  find<GetText>("nvrtcGetProgramLog")(program, log.data());
  find<DestroyProgram>("nvrtcDestroyProgram")(&program);
  return {code == 0, log};
}

} // namespace burin::kernels::cuda
