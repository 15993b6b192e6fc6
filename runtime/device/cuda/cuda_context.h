// SPDX-License-Identifier: Apache-2.0
// What the parts of one CUDA device share: the driver, a context, the queue,
// and the error that ended it.
#pragma once

#include <array>
#include <string_view>

#include "runtime/device/cuda/cuda_device.h"
#include "runtime/device/cuda/driver.h"
#include "runtime/device/device.h"

namespace burin::cuda {

class CudaContext {
public:
  ~CudaContext();
  // Opens the driver and the card.
  Status open(const CudaOptions& options);

  // To begin every use of the device with: makes the context this thread's.
  // Once the device is lost, always the error that lost it.
  Status enter();
  // To free what the driver made, also on a lost device, whose driver refuses
  // and keeps what it refuses to itself.
  void enterToFree() { driver.setCurrent(context_); }
  // The error of a driver's call, for `what` ("launch of a kernel").
  Status check(Code code, std::string_view what);
  Status synchronize();
  // Waits for an event.
  Status wait(Event event);

  // Counts a call that allocates or synchronises, which replays must not.
  void countBlocking() { ++info.blockingCalls; }

  Driver driver = {};
  Stream stream = nullptr;
  CudaInfo info;
  bool eager = false; // BURIN_CUDA_EAGER=1: no graphs, one command at a time
  std::string name;

private:
  Status readCard();
  Status lose(Code code, std::string_view what);

  int card_ = 0;
  Context context_ = nullptr;
  Status lost_;
};

inline DevicePointer pointer(const std::byte* address) {
  return reinterpret_cast<DevicePointer>(address);
}

} // namespace burin::cuda
