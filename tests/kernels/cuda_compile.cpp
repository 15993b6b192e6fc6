// SPDX-License-Identifier: Apache-2.0
// The few functions of NVRTC that a test needs, opened by hand.
#include "tests/kernels/cuda_compile.h"

#include <dlfcn.h>

#include <regex>
#include <vector>

#include "gtest/gtest.h"

namespace burin::kernels::cuda::testing {
namespace {

using Program = void*;

struct Nvrtc {
  int (*create)(Program*, const char* source, const char* name, int headers,
                const char* const* texts, const char* const* paths);
  int (*compile)(Program, int count, const char* const* options);
  int (*logSize)(Program, size_t*);
  int (*log)(Program, char*);
  int (*destroy)(Program*);
  std::string missing;

  Nvrtc() {
    void* library = nullptr;
    for (const char* path : {"libnvrtc.so", "libnvrtc.so.13", "libnvrtc.so.12",
                             "/usr/local/cuda/lib64/libnvrtc.so"})
      if (!library)
        library = dlopen(path, RTLD_NOW);
    if (!library) {
      missing = "libnvrtc.so is not installed";
      return;
    }
    auto find = [&](auto& function, const char* name) {
      function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(
          dlsym(library, name));
      if (!function)
        missing = std::string("libnvrtc.so lacks ") + name;
    };
    find(create, "nvrtcCreateProgram");
    find(compile, "nvrtcCompileProgram");
    find(logSize, "nvrtcGetProgramLogSize");
    find(log, "nvrtcGetProgramLog");
    find(destroy, "nvrtcDestroyProgram");
  }
};

const Nvrtc& nvrtc() {
  static const Nvrtc library;
  return library;
}

// The sum of the numbers that `pattern` captures.
int64_t sumOf(const std::string& text, const char* pattern) {
  const std::regex regex(pattern);
  int64_t sum = 0;
  for (std::sregex_iterator it(text.begin(), text.end(), regex), end; it != end;
       ++it)
    sum += std::stoll((*it)[1]);
  return sum;
}

} // namespace

std::string whyNoCompiler() {
  return nvrtc().missing;
}

Compiled compile(const LaunchPlan& plan, const Target& target) {
  std::vector<std::string> strings;
  for (const Header& header : headers()) {
    strings.emplace_back(header.path);
    strings.emplace_back(header.text);
  }
  std::vector<const char*> paths, texts;
  for (size_t i = 0; i < strings.size(); i += 2) {
    paths.push_back(strings[i].c_str());
    texts.push_back(strings[i + 1].c_str());
  }
  const Nvrtc& n = nvrtc();
  Program program = nullptr;
  Compiled result;
  if (n.create(&program, plan.source.c_str(), plan.symbol.c_str(),
               static_cast<int>(paths.size()), texts.data(), paths.data()) != 0)
    return result;
  const std::string architecture = "--gpu-architecture=" + target.name;
  const char* options[] = {"--std=c++20", architecture.c_str(),
                           "--ptxas-options=-v"};
  result.ok = n.compile(program, 3, options) == 0;
  size_t size = 0;
  n.logSize(program, &size);
  result.log.resize(size);
  n.log(program, result.log.data());
  n.destroy(&program);
  result.spillBytes = sumOf(result.log, "(\\d+) bytes spill");
  result.sharedBytes = sumOf(result.log, "(\\d+) bytes smem");
  return result;
}

void expectCompiles(const LaunchPlan& plan, const Target& target,
                    int64_t mostShared) {
  SCOPED_TRACE(plan.symbol + " for " + target.name);
  const Compiled compiled = compile(plan, target);
  ASSERT_TRUE(compiled.ok) << compiled.log << plan.source;
  EXPECT_EQ(compiled.spillBytes, 0) << compiled.log;
  EXPECT_LE(compiled.sharedBytes, mostShared) << compiled.log;
  EXPECT_NE(plan.source.find(plan.symbol + "("), std::string::npos);
}

} // namespace burin::kernels::cuda::testing
