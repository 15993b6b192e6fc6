// SPDX-License-Identifier: Apache-2.0
// What a device brings to the conformance suite: itself, the suite's generated
// kernels as native code, and two library kernels.
//
// The library kernels are
//   "test.scale"  slices {in f32, out f32}, params {count, factor}:
//                 out[i] = factor * in[i]; needs 64-byte aligned scratch
//   "test.tiles"  slices {in f32 [rows, columns]}, params {rows, columns},
//                 one epilogue: hands over 2 * in in tiles of one row
// and `image` holds addOne, countItems and addBias of kernels.c.
#pragma once

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "runtime/device/device.h"

namespace burin::conformance {

struct TestDevice {
  std::string name;
  std::unique_ptr<Device> (*create)(int threads);
  ImageKind imageKind;
  std::string target;
  std::string imageFile;
  std::vector<int> threads; // to run the suite with
};

inline void PrintTo(const TestDevice& device, std::ostream* stream) {
  *stream << device.name;
}

// The devices of this build.
std::vector<TestDevice> testDevices();

} // namespace burin::conformance
