// SPDX-License-Identifier: Apache-2.0
// An NVIDIA card as a device. Needs nothing of CUDA but the driver, which is
// opened when a device is made.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "runtime/device/device.h"

namespace burin {

struct CudaOptions {
  int ordinal = 0; // of the card, as the driver counts
  std::string library = "libcuda.so.1";
};

// The card, and what has happened on it through one device.
struct CudaInfo {
  std::string card; // "NVIDIA H100 80GB HBM3"
  int major = 0;    // compute capability
  int minor = 0;
  int multiprocessors = 0;
  size_t allocatedBytes = 0; // through this device
  size_t peakBytes = 0;
  uint64_t blockingCalls = 0; // driver calls that allocate or wait
};

struct CudaMemory {
  size_t freeBytes;
  size_t totalBytes;
};

class CudaDevice : public Device {
public:
  virtual const CudaInfo& info() const = 0;
  virtual Result<CudaMemory> memory() = 0;
  // The stream (CUstream) that all work is in the order of, for a library that
  // enqueues its own. Makes the card's context the calling thread's.
  virtual Result<void*> queue() = 0;
};

Result<std::unique_ptr<CudaDevice>>
createCudaDevice(const CudaOptions& options);

} // namespace burin
