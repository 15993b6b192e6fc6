// SPDX-License-Identifier: Apache-2.0
// See harness.h.
#include "tests/kernels/harness.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "gtest/gtest.h"

namespace burin::kernels::testing {

Random::Random() : seed_(std::random_device{}()), engine_(seed_) {}

int64_t Random::whole(int64_t low, int64_t high) {
  return std::uniform_int_distribution<int64_t>(low, high)(engine_);
}

std::vector<float> Random::normals(int64_t count) {
  std::normal_distribution<float> normal;
  std::vector<float> out(count);
  for (float& x : out)
    x = normal(engine_);
  return out;
}

std::vector<float> Random::wholes(int64_t count, int64_t limit) {
  std::vector<float> out(count);
  for (float& x : out)
    x = static_cast<float>(whole(-limit, limit));
  return out;
}

std::vector<int64_t> Random::shuffled(int64_t count) {
  std::vector<int64_t> out(count);
  std::iota(out.begin(), out.end(), 0);
  std::shuffle(out.begin(), out.end(), engine_);
  return out;
}

const CpuKernel& kernelOf(std::string_view instructionSet,
                          std::string_view name) {
  const auto kernels = cpuKernels(instructionSet);
  const auto found =
      std::find_if(kernels.begin(), kernels.end(),
                   [&](const CpuKernel& k) { return k.name == name; });
  EXPECT_NE(found, kernels.end()) << "no kernel " << name;
  return *found;
}

void runKernel(const CpuKernel& kernel, const std::vector<View>& slices,
               const std::vector<int64_t>& params,
               const std::vector<int64_t>& order, EpilogueFn epilogue,
               const View* epilogueSlices) {
  ASSERT_EQ(kernel.sliceCount, slices.size());
  ASSERT_EQ(kernel.paramCount, params.size());
  ASSERT_EQ(kernel.check(params), "");
  constexpr size_t kTrap = 256;
  const size_t bytes = kernel.scratchBytes(params);
  std::vector<std::byte> memory(bytes + 64 + kTrap, std::byte{0xff});
  const size_t skip = -reinterpret_cast<uintptr_t>(memory.data()) % 64;
  std::byte* scratch = memory.data() + skip;

  const CallArgs args{slices, params, epilogue, epilogueSlices};
  const int64_t items = kernel.workItems(params);
  if (order.empty())
    kernel.run(args, 0, items, scratch);
  for (const int64_t item : order)
    kernel.run(args, item, item + 1, scratch);
  for (size_t i = 0; i < kTrap; ++i)
    ASSERT_EQ(scratch[bytes + i], std::byte{0xff}) << "scratch overrun";
}

std::vector<uint16_t> toBF16(const std::vector<float>& values) {
  std::vector<uint16_t> out(values.size());
  std::transform(values.begin(), values.end(), out.begin(), floatToBf16);
  return out;
}

std::vector<float> fromBF16(const std::vector<uint16_t>& values) {
  std::vector<float> out(values.size());
  std::transform(values.begin(), values.end(), out.begin(), bf16ToFloat);
  return out;
}

std::vector<std::string> instructionSets() {
  const auto names = cpuInstructionSets();
  return {names.begin(), names.end()};
}

} // namespace burin::kernels::testing
