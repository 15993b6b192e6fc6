// SPDX-License-Identifier: Apache-2.0
// The processor is always there; a card is asked through its driver, which is
// opened only when one is named.
#include "models/pipeline/device.h"

#include <charconv>

#include "kernels/catalog.h"
#include "runtime/device/cpu/cpu_device.h"
#include "runtime/device/cpu/cpu_target.h"
#include "runtime/device/cuda/cuda_device.h"

namespace burin {
namespace {

Result<std::unique_ptr<Device>> openCuda(int ordinal) {
  CudaOptions options;
  options.ordinal = ordinal;
  BURIN_ASSIGN(std::unique_ptr<Device> device, createCudaDevice(options));
  return device;
}

const CudaInfo* cudaInfo(const Device& device) {
  auto* card = dynamic_cast<const CudaDevice*>(&device);
  return card ? &card->info() : nullptr;
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

Result<std::string> targetOf(const Device& device) {
  constexpr int kHopper = 9;
  if (const CudaInfo* card = cudaInfo(device))
    // "a": with what only this generation has, such as wgmma.
    return "sm_" + std::to_string(card->major) + std::to_string(card->minor) +
           (card->major >= kHopper ? "a" : "");
  BURIN_ASSIGN(std::string_view processor, hostTarget());
  return std::string(processor);
}

size_t peakBytes(const Device& device) {
  const CudaInfo* card = cudaInfo(device);
  return card ? card->peakBytes : 0;
}

bool isCudaTarget(std::string_view target) {
  return target.starts_with("sm_");
}

} // namespace burin
