// SPDX-License-Identifier: Apache-2.0
// Opening of libcuda.so.1.
#include "runtime/device/cuda/driver.h"

#include <dlfcn.h>

namespace burin::cuda {
namespace {

constexpr const char* kRemedy =
    "; install the NVIDIA driver (version 535 or newer) or use --device cpu";

} // namespace

bool isFatal(Code code) {
  switch (code) {
  case 4:   // deinitialized
  case 46:  // device unavailable
  case 201: // invalid context
  case 214: // ECC, uncorrectable
  case 220: // NVLink, uncorrectable
  case 700: // illegal address
  case 702: // launch timed out
  case 709: // context is destroyed
  case 710: // assertion
  case 714: // hardware stack
  case 715: // illegal instruction
  case 716: // misaligned address
  case 717: // invalid address space
  case 718: // invalid program counter
  case 719: // launch failed
  case 999: // unknown
    return true;
  default:
    return false;
  }
}

Result<Driver> openDriver(const std::string& library) {
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle)
    return unavailable("the NVIDIA driver's library " + library +
                       " cannot be opened (" + dlerror() + ")" + kRemedy);
  Driver driver;
  std::string missing;
#define BURIN_CUDA_OPEN(member, symbol, parameters)                            \
  driver.member =                                                              \
      reinterpret_cast<decltype(driver.member)>(dlsym(handle, #symbol));       \
  if (!driver.member && missing.empty())                                       \
    missing = #symbol;
  BURIN_CUDA_FUNCTIONS(BURIN_CUDA_OPEN)
#undef BURIN_CUDA_OPEN
  if (!missing.empty())
    return unavailable("the NVIDIA driver's library " + library +
                       " is too old: it has no " + missing + kRemedy);
  if (Code code = driver.init(0); code == kNoDevice)
    return unavailable("the NVIDIA driver (" + library +
                       ") finds no device; check that nvidia-smi lists one, "
                       "or use --device cpu");
  else if (code != kSuccess)
    return unavailable("the NVIDIA driver (" + library +
                       ") does not start: " + describe(driver, code) + kRemedy);
  return driver;
}

std::string describe(const Driver& driver, Code code) {
  const char* name = nullptr;
  const char* text = nullptr;
  if (driver.getErrorName(code, &name) != kSuccess || !name)
    return "CUDA error " + std::to_string(code);
  if (driver.getErrorString(code, &text) != kSuccess || !text)
    return name;
  return std::string(name) + " (" + text + ")";
}

} // namespace burin::cuda
