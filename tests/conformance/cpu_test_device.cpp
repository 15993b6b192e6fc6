// SPDX-License-Identifier: Apache-2.0
// The CPU in the conformance suite, with a catalog of its own.
#include <cstring>

#include "runtime/device/cpu/cpu_device.h"
#include "tests/conformance/test_device.h"

namespace burin::conformance {
namespace {

using kernels::CallArgs;
using kernels::CpuKernel;

std::string_view checkCount(std::span<const int64_t> params) {
  return params[0] < 0 ? "the count is negative" : std::string_view();
}
size_t scaleScratch(std::span<const int64_t>) {
  return 100;
}
size_t noScratch(std::span<const int64_t>) {
  return 0;
}
int64_t firstParam(std::span<const int64_t> params) {
  return params[0];
}

// Goes through scratch, so that sharing or misaligning it shows.
void scale(const CallArgs& args, int64_t begin, int64_t end,
           std::byte* scratch) {
  if (reinterpret_cast<uintptr_t>(scratch) % 64 != 0)
    return;
  for (int64_t i = begin; i < end; ++i) {
    float value = static_cast<const float*>(args.slices[0].data)[i] *
                  static_cast<float>(args.params[1]);
    for (size_t at = 0; at < 100; at += sizeof(float))
      std::memcpy(scratch + at, &value, sizeof(float));
    std::memcpy(static_cast<float*>(args.slices[1].data) + i, scratch + 96,
                sizeof(float));
  }
}

void tiles(const CallArgs& args, int64_t begin, int64_t end, std::byte*) {
  std::vector<float> tile(args.params[1]);
  for (int64_t row = begin; row < end; ++row) {
    const float* in = static_cast<const float*>(args.slices[0].data) +
                      row * args.slices[0].pitch;
    for (size_t j = 0; j < tile.size(); ++j)
      tile[j] = 2 * in[j];
    args.epilogue(args.epilogueSlices, tile.data(), args.params[1], row, 1, 0,
                  args.params[1]);
  }
}

constexpr CpuKernel kScale = {"test.scale", 2,          2,    false, checkCount,
                              scaleScratch, firstParam, scale};
constexpr CpuKernel kTiles = {"test.tiles", 1,         2,          true,
                              checkCount,   noScratch, firstParam, tiles};

const CpuKernel* findTestKernel(std::string_view name) {
  for (const CpuKernel* kernel : {&kScale, &kTiles})
    if (kernel->name == name)
      return kernel;
  return nullptr;
}

} // namespace

TestDevice cpuTestDevice() {
  auto create = [](int threads) -> Result<std::unique_ptr<Device>> {
    return createCpuDevice({threads, findTestKernel});
  };
  return {"cpu",
          create,
          ImageKind::kCpuElf,
          "x86-64-v3",
          BURIN_TEST_KERNELS,
          {1, 2, 5},
          /*hasLibraryKernels=*/true,
          /*hasGrids=*/false};
}

} // namespace burin::conformance
