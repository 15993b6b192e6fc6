// SPDX-License-Identifier: Apache-2.0
// Compiles the text of a CUDA kernel where NVRTC is installed. No GPU needed.
#pragma once

#include <string>

#include "kernels/cuda/plan.h"

namespace burin::kernels::cuda::testing {

struct Compiled {
  bool ok = false;
  std::string log;        // with the assembler's report
  int64_t spillBytes = 0; // stores and loads, all functions together
  int64_t sharedBytes = 0;
};

// Why there is no NVRTC to compile with, or empty.
std::string whyNoCompiler();

// The text of `plan` for `target`; it may include every header of
// kernels/cuda.
Compiled compile(const LaunchPlan& plan, const Target& target);

// That it compiles without spills, and into `mostShared` bytes of static shared
// memory at most.
void expectCompiles(const LaunchPlan& plan, const Target& target,
                    int64_t mostShared);

} // namespace burin::kernels::cuda::testing
