// SPDX-License-Identifier: Apache-2.0
// CUDA in the conformance suite: a card, where there is one, and always the
// fake driver, which runs all of the device but the card.
#include "runtime/device/cuda/cuda_device.h"
#include "tests/conformance/test_device.h"

namespace burin::conformance {
namespace {

Result<std::unique_ptr<Device>> create(const CudaOptions& options) {
  BURIN_ASSIGN(std::unique_ptr<CudaDevice> device, createCudaDevice(options));
  return std::unique_ptr<Device>(std::move(device));
}

} // namespace

std::vector<TestDevice> cudaTestDevices() {
  TestDevice card = {"cuda",
                     [](int) { return create({}); },
                     ImageKind::kPtx,
                     "sm_80",
                     BURIN_TEST_PTX,
                     {1},
                     /*hasLibraryKernels=*/false,
                     /*hasGrids=*/true};
  TestDevice fake = card;
  fake.name = "fake_cuda";
  fake.create = [](int) { return create({0, BURIN_FAKE_CUDA}); };
  return {fake, card};
}

} // namespace burin::conformance
