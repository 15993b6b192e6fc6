// SPDX-License-Identifier: Apache-2.0
// Runs a library kernel the way the runtime does, with traps around its
// scratch, and makes inputs that differ from run to run.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "kernels/catalog.h"

namespace burin::kernels::testing {

// Fresh numbers every time; the seed is part of every failure message.
class Random {
public:
  Random();
  uint32_t seed() const { return seed_; }

  int64_t whole(int64_t low, int64_t high);
  std::vector<float> normals(int64_t count);
  // Whole numbers in [-limit, limit].
  std::vector<float> wholes(int64_t count, int64_t limit);
  std::vector<int64_t> shuffled(int64_t count);

private:
  uint32_t seed_;
  std::mt19937 engine_;
};

// A slice over the elements of a vector.
template <typename T>
View view(const std::vector<T>& values, int64_t pitch) {
  return {const_cast<T*>(values.data()), pitch};
}

const CpuKernel& kernelOf(std::string_view instructionSet,
                          std::string_view name);

// Runs all items: in one range, or one by one in the order given. Fails the
// test when the params are refused or scratch is overrun.
void runKernel(const CpuKernel& kernel, const std::vector<View>& slices,
               const std::vector<int64_t>& params,
               const std::vector<int64_t>& order = {},
               EpilogueFn epilogue = nullptr,
               const View* epilogueSlices = nullptr);

std::vector<uint16_t> toBF16(const std::vector<float>& values);
std::vector<float> fromBF16(const std::vector<uint16_t>& values);

// A parameterised test's instances: every instruction set of this processor.
std::vector<std::string> instructionSets();

} // namespace burin::kernels::testing
