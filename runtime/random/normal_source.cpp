// SPDX-License-Identifier: Apache-2.0
// Names of the modes, and Burin's own.
#include "runtime/random/normal_source.h"

#include <algorithm>
#include <string>

#include "runtime/base/philox.h"
#include "runtime/random/torch_cpu.h"

namespace burin {
namespace {

class CounterSource final : public NormalSource {
public:
  explicit CounterSource(uint64_t seed) : seed_(seed) {}

  void fill(std::span<float> values) override {
    for (size_t i = 0; i < values.size();) {
      uint64_t at = position_ + i;
      auto four = philoxNormals(seed_, at / 4);
      for (uint64_t lane = at % 4; lane < 4 && i < values.size(); ++lane)
        values[i++] = four[lane];
    }
    position_ += values.size();
  }

private:
  uint64_t seed_;
  uint64_t position_ = 0;
};

} // namespace

Result<RandomMode> randomModeFromName(std::string_view name) {
  if (name == "counter")
    return RandomMode::kCounter;
  if (name == "torch-cpu")
    return RandomMode::kTorchCpu;
  if (name == "torch-cuda")
    return RandomMode::kTorchCuda;
  return invalidArgument("random mode '" + std::string(name) +
                         "' is none of counter, torch-cpu, torch-cuda");
}

std::unique_ptr<NormalSource> makeNormalSource(RandomMode mode, uint64_t seed) {
  switch (mode) {
  case RandomMode::kTorchCpu:
    return makeTorchCpuSource(seed);
  case RandomMode::kTorchCuda:
    return makeTorchCudaSource(seed, {});
  case RandomMode::kCounter:
    break;
  }
  return std::make_unique<CounterSource>(seed);
}

} // namespace burin
