// SPDX-License-Identifier: Apache-2.0
// The processor as a device: the one that every machine has.
#pragma once

#include <memory>

#include "kernels/catalog.h"
#include "runtime/device/device.h"

namespace burin {

struct CpuOptions {
  // Threads to compute with, the caller's included; 0 takes one for each
  // processor that this process may use.
  int threads = 0;
  // The library kernels; normally kernels::findCpuKernel.
  const kernels::CpuKernel* (*findKernel)(std::string_view name) = nullptr;
};

// Those that this process may use.
int availableProcessors();

std::unique_ptr<Device> createCpuDevice(const CpuOptions& options);

} // namespace burin
