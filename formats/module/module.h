// SPDX-License-Identifier: Apache-2.0
// Reads and writes compiled modules (module.fbs) and vouches for them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "formats/module/module_generated.h"
#include "runtime/base/dtype.h"
#include "runtime/base/status.h"

namespace burin::module {

// Raised whenever a module that an older runtime accepts would run wrongly.
inline constexpr uint32_t kAbi = 2;

// The module inside `bytes`, which must stay in place while it is used and
// begin on an 8-byte boundary. Nothing is copied. What is returned has passed
// the FlatBuffers verifier and these checks, so users index without looking:
//   - every index (kernel, image, slice, storage, callback) is in range;
//   - enums have known values, every step has a verb, names are neither empty
//     nor twice in their list, extents and work items are not negative;
//   - no slice reaches beyond its storage, all sizes fit an int64, rows do not
//     overlap and elements are aligned to their size;
//   - copy, fill and collective write neither constants nor inputs;
//   - grids and tensor maps are within CUDA's limits and their slices' storage,
//     and exactly the launches of GPU kernels have a grid;
//   - `prepare`, when present, has no inputs and no outputs.
// Images are native code: they are as trustworthy as whoever made them.
Result<const Module*> read(std::span<const std::byte> bytes);

// The bytes of `module`, checked as `read` does.
Result<std::vector<std::byte>> write(const ModuleT& module);

// Where a slice lies: rows of `extent` contiguous elements, `pitch` apart; no
// rows when it is empty.
struct Extent {
  int64_t rows;
  int64_t extent;
  int64_t pitch;
};
// Precondition: the slice belongs to a module that `read` returned.
Extent rowsOf(const Slice& slice);

inline burin::DType dtypeOf(DType dtype) {
  return static_cast<burin::DType>(dtype);
}
inline Shape shapeOf(const flatbuffers::Vector<int64_t>& shape) {
  return {shape.begin(), shape.end()};
}

// The function of that name, or null.
const Function* findFunction(const Module& module, std::string_view name);

} // namespace burin::module
