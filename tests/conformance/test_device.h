// SPDX-License-Identifier: Apache-2.0
// What a device brings to the conformance suite: itself, the suite's generated
// kernels as native code, and, where it has any, two library kernels.
//
// The library kernels are
//   "test.scale"  slices {in f32, out f32}, params {count, factor}:
//                 out[i] = factor * in[i]; needs 64-byte aligned scratch
//   "test.tiles"  slices {in f32 [rows, columns]}, params {rows, columns},
//                 one epilogue: hands over 2 * in in tiles of one row
// and `image` holds addOne, countItems and, for library kernels to call,
// addBias of kernels.c. On a GPU (kernels.cu) the work items are the kernel's
// constants.
#pragma once

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "runtime/device/device.h"

namespace burin::conformance {

struct TestDevice {
  std::string name;
  // kUnavailable: this machine has none, and the suite is skipped.
  Result<std::unique_ptr<Device>> (*create)(int threads);
  ImageKind imageKind;
  std::string target;
  std::string imageFile;
  std::vector<int> threads; // to run the suite with
  bool hasLibraryKernels;
  bool hasGrids;
};

inline void PrintTo(const TestDevice& device, std::ostream* stream) {
  *stream << device.name;
}

// The devices of this build.
TestDevice cpuTestDevice();
std::vector<TestDevice> cudaTestDevices(); // the fake driver's, and a card

} // namespace burin::conformance
