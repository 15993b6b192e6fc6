// SPDX-License-Identifier: Apache-2.0
// Standard normal noise from a seed, as Burin draws it or as PyTorch does, so
// that a seed known from diffusers gives the picture known from there.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "runtime/base/status.h"

namespace burin {

// A stream of normals: what a call gives depends on the calls before it.
class NormalSource {
public:
  virtual ~NormalSource() = default;
  // Overwrites `values` with float32 standard normals.
  virtual void fill(std::span<float> values) = 0;
};

enum class RandomMode {
  // Philox by position (runtime/base/philox.h): value i of all that were
  // drawn depends on seed and i alone, on any device.
  kCounter,
  // torch.randn(n, generator=torch.Generator("cpu").manual_seed(seed)).
  kTorchCpu,
  // The same with a "cuda" generator, on a GPU with `TorchCudaGrid`.
  kTorchCuda,
};

// "counter", "torch-cpu", "torch-cuda".
Result<RandomMode> randomModeFromName(std::string_view name);
std::unique_ptr<NormalSource> makeNormalSource(RandomMode mode, uint64_t seed);

// PyTorch deals numbers to GPU threads, so its stream depends on how many the
// card holds. These are an H100's (132 multiprocessors).
struct TorchCudaGrid {
  uint64_t multiprocessors = 132;
  uint64_t threadsPerMultiprocessor = 2048;
};
std::unique_ptr<NormalSource> makeTorchCudaSource(uint64_t seed,
                                                  const TorchCudaGrid& grid);

} // namespace burin
