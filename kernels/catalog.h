// SPDX-License-Identifier: Apache-2.0
// The library kernels a module may call by name, and the shape of native code
// that the compiler generates. This is the ABI between module and runtime.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "runtime/base/dtype.h"

namespace burin::kernels {

// A slice as a kernel sees it: rows of `extent` contiguous elements, `pitch`
// elements apart. Layout is shared with generated code.
struct View {
  void* data;
  int64_t pitch;
};

// Generated code for `launch`: work items [begin, end) of the step. Reentrant.
using LaunchFn = void (*)(const View* slices, int64_t begin, int64_t end);

// Generated code that finishes a tile of a contraction: `tile` holds float32
// results for rows [row, row + rows) and columns [column, column + columns)
// of the [M, N] product, rows `ld` floats apart. It applies what follows the
// contraction and stores to its own slices. Reentrant; tiles never overlap.
using EpilogueFn = void (*)(const View* slices, const float* tile, int64_t ld,
                            int64_t row, int64_t rows, int64_t column,
                            int64_t columns);

struct CallArgs {
  std::span<const View> slices;    // the kernel's own
  std::span<const int64_t> params; // as the kernel's contract lists them
  EpilogueFn epilogue;             // null where the kernel takes none
  const View* epilogueSlices;
};

// A library kernel for the CPU. Work is a range of independent items so that
// any number of threads may share it. `check` is called once when a module is
// loaded, after the counts: it returns an empty view, or what is wrong with
// the params. The other functions rely on it.
struct CpuKernel {
  std::string_view name;
  size_t sliceCount;
  size_t paramCount;
  bool takesEpilogue;
  std::string_view (*check)(std::span<const int64_t> params);
  // Bytes of scratch each thread needs; 64-byte aligned when handed over.
  size_t (*scratchBytes)(std::span<const int64_t> params);
  int64_t (*workItems)(std::span<const int64_t> params);
  void (*run)(const CallArgs& args, int64_t begin, int64_t end,
              std::byte* scratch);
};

// The kernel of that name for the best instruction set of this processor, or
// null.
const CpuKernel* findCpuKernel(std::string_view name);

// All kernels for one instruction set: "generic", "avx2" or "avx512". Empty
// where this processor lacks it.
std::span<const CpuKernel> cpuKernels(std::string_view instructionSet);
// Those this processor has, the best one last.
std::span<const std::string_view> cpuInstructionSets();

} // namespace burin::kernels
