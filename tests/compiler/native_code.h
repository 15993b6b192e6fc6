// SPDX-License-Identifier: Apache-2.0
// Loads the bytes of a shared object into the test's process.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <dlfcn.h>
#include <fstream>
#include <string>
#include <vector>

namespace burin {

class NativeCode {
public:
  explicit NativeCode(const std::vector<std::byte>& bytes) {
    std::string name =
        testing::UnitTest::GetInstance()->current_test_info()->name();
    std::replace(name.begin(), name.end(), '/', '_');
    std::string path = testing::TempDir() + "/burin_native_" + name + ".so";
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    handle_ = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  }
  ~NativeCode() {
    if (handle_)
      dlclose(handle_);
  }
  NativeCode(const NativeCode&) = delete;
  NativeCode& operator=(const NativeCode&) = delete;

  // Null when the object did not load or has no such symbol.
  template <typename Function>
  Function* find(const char* symbol) const {
    return handle_ ? reinterpret_cast<Function*>(dlsym(handle_, symbol))
                   : nullptr;
  }

private:
  void* handle_ = nullptr;
};

} // namespace burin
