// SPDX-License-Identifier: Apache-2.0
// What print_kernels writes of each graph.
#pragma once

#include <cstdint>
#include <vector>

namespace burin::printed {

// As kernels/cuda/common/views.cuh has it.
struct Slice {
  void* data;
  int64_t pitch;
};

struct Kernel {
  // A kernel on a grid. Null for an epilogue.
  void (*run)(const Slice* slices);
  // An epilogue on `rows` rows of `tiles`, one or two. Null for a kernel.
  void (*finish)(const float* const* tiles, const Slice* slices, int64_t rows);
};

// In the order of kGraphs.
extern const std::vector<Kernel> kKernels;

} // namespace burin::printed
