// SPDX-License-Identifier: Apache-2.0
// The processor is always there; a card is asked through its driver, which is
// opened only when one is named.
#include "models/pipeline/device.h"

#include <charconv>

#include <dlfcn.h>

#include "kernels/catalog.h"
#include "runtime/device/cpu/cpu_device.h"
#include "runtime/device/cpu/cpu_target.h"
#if __has_include("runtime/device/cuda/cuda_device.h")
#include "runtime/device/cuda/cuda_device.h"
#define BURIN_HAS_CUDA_DEVICE 1
#endif

namespace burin {
namespace {

Result<std::unique_ptr<Device>> openCuda(int ordinal) {
#ifdef BURIN_HAS_CUDA_DEVICE
  CudaOptions options;
  options.ordinal = ordinal;
  return createCudaDevice(options);
#else
  return unimplemented("this build has no CUDA device, so there is no 'cuda:" +
                       std::to_string(ordinal) + "'; choose --device cpu");
#endif
}

// The driver's questions about a card, by their C types.
struct Driver {
  int (*init)(unsigned) = nullptr;
  int (*get)(int*, int) = nullptr;
  int (*attribute)(int*, int, int) = nullptr;
};

Result<Driver> openDriver() {
  // Never closed: the driver does not survive it.
  void* library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return unavailable("there is no CUDA driver: libcuda.so.1 does not open; "
                       "install NVIDIA's driver or choose --device cpu");
  Driver driver;
  auto find = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(
        dlsym(library, name));
    return function != nullptr;
  };
  if (!find(driver.init, "cuInit") || !find(driver.get, "cuDeviceGet") ||
      !find(driver.attribute, "cuDeviceGetAttribute"))
    return unavailable("libcuda.so.1 lacks functions that every CUDA driver "
                       "has; install NVIDIA's driver again");
  return driver;
}

Result<std::string> cardTarget(int ordinal) {
  constexpr int kMajor = 75, kMinor = 76; // CU_DEVICE_ATTRIBUTE_COMPUTE_...
  constexpr int kHopper = 90;
  BURIN_ASSIGN(Driver driver, openDriver());
  int device = 0, major = 0, minor = 0;
  if (int error = driver.init(0))
    return unavailable("the CUDA driver does not start (error " +
                       std::to_string(error) +
                       "); is a card there and may this user use it?");
  if (driver.get(&device, ordinal) != 0)
    return notFound("there is no card 'cuda:" + std::to_string(ordinal) +
                    "'; nvidia-smi lists those of this machine");
  if (driver.attribute(&major, kMajor, device) != 0 ||
      driver.attribute(&minor, kMinor, device) != 0)
    return unavailable("the CUDA driver does not tell the capability of "
                       "'cuda:" +
                       std::to_string(ordinal) + "'");
  int capability = 10 * major + minor;
  // "a": with what only this generation has, such as wgmma.
  return "sm_" + std::to_string(capability) +
         (capability == kHopper ? "a" : "");
}

} // namespace

Result<DeviceName> parseDevice(std::string_view name) {
  constexpr std::string_view kNumbered = "cuda:";
  if (name == "cpu")
    return DeviceName{};
  if (name == "cuda")
    return DeviceName{true, 0};
  if (name.starts_with(kNumbered)) {
    DeviceName device = {true, 0};
    const char* end = name.data() + name.size();
    auto parsed =
        std::from_chars(name.data() + kNumbered.size(), end, device.ordinal);
    if (parsed.ec == std::errc() && parsed.ptr == end && device.ordinal >= 0)
      return device;
  }
  return invalidArgument("there is no device '" + std::string(name) +
                         "'; choose " + std::string(kDeviceNames));
}

Result<std::unique_ptr<Device>> openDevice(std::string_view name, int threads) {
  BURIN_ASSIGN(DeviceName device, parseDevice(name));
  if (device.cuda)
    return openCuda(device.ordinal);
  return createCpuDevice({threads, kernels::findCpuKernel});
}

Result<std::string> targetOf(std::string_view name) {
  BURIN_ASSIGN(DeviceName device, parseDevice(name));
  if (device.cuda)
    return cardTarget(device.ordinal);
  BURIN_ASSIGN(std::string_view processor, hostTarget());
  return std::string(processor);
}

bool isCudaTarget(std::string_view target) {
  return target.starts_with("sm_");
}

} // namespace burin
