// SPDX-License-Identifier: Apache-2.0
// Limits of CUDA's launches and tensor maps.
#include "formats/module/check_grid.h"

#include <array>
#include <string>

namespace burin::module {
namespace {

using Text = std::string;

template <typename Number>
Status checkBetween(Number value, Number least, Number most, const Text& what) {
  if (value >= least && value <= most)
    return okStatus();
  return dataLoss(what + " is " + std::to_string(value) + ", not in " +
                  std::to_string(least) + " to " + std::to_string(most));
}

// The bytes from the tensor's first element to the end of its last; false on
// overflow or an empty tensor.
bool reachOf(const TensorMap& map, uint64_t element, uint64_t& reach) {
  bool overflow =
      __builtin_mul_overflow(map.extents()->Get(0), element, &reach);
  for (uint32_t i = 1; i < map.extents()->size(); ++i) {
    uint64_t step = 0;
    overflow |= __builtin_mul_overflow(map.extents()->Get(i) - 1,
                                       map.strides()->Get(i - 1), &step);
    overflow |= __builtin_add_overflow(reach, step, &reach);
  }
  return !overflow;
}

Status checkLists(const TensorMap& map) {
  constexpr uint32_t kMostDimensions = 5;
  uint32_t rank = map.extents()->size();
  BURIN_TRY(checkBetween(rank, 1u, kMostDimensions, "the number of extents"));
  if (map.strides()->size() != rank - 1 || map.box()->size() != rank ||
      map.steps()->size() != rank)
    return dataLoss("of " + std::to_string(rank) + " dimensions it has " +
                    std::to_string(map.strides()->size()) + " strides, " +
                    std::to_string(map.box()->size()) + " box extents and " +
                    std::to_string(map.steps()->size()) + " steps");
  return okStatus();
}

Status checkAlignedWords(const flatbuffers::Vector<uint64_t>& words,
                         const char* what) {
  if (words.size() == 0 ||
      reinterpret_cast<uintptr_t>(words.Data()) % sizeof(uint64_t) == 0)
    return okStatus();
  return dataLoss(Text(what) + " do not lie on an 8-byte boundary");
}

Status checkDimensions(const TensorMap& map) {
  constexpr uint64_t kMostExtent = uint64_t{1} << 32;
  constexpr uint64_t kMostStride = (uint64_t{1} << 40) - 1;
  for (uint32_t i = 0; i < map.extents()->size(); ++i) {
    Text which = " " + std::to_string(i);
    BURIN_TRY(checkBetween(map.extents()->Get(i), uint64_t{1}, kMostExtent,
                           "extent" + which));
    BURIN_TRY(checkBetween(map.box()->Get(i), 1u, 256u, "box extent" + which));
    BURIN_TRY(checkBetween(map.steps()->Get(i), 1u, 8u, "step" + which));
  }
  for (uint64_t stride : *map.strides()) {
    BURIN_TRY(checkBetween(stride, uint64_t{0}, kMostStride, "a stride"));
    if (stride % 16 != 0)
      return dataLoss("a stride is " + std::to_string(stride) +
                      ", not a multiple of 16 bytes");
  }
  return okStatus();
}

} // namespace

Status checkGrid(const Grid& grid) {
  constexpr std::array<uint32_t, 3> kMostBlocks = {2147483647, 65535, 65535};
  constexpr uint32_t kMostThreads = 1024;
  constexpr uint32_t kMostCluster = 16;
  constexpr uint32_t kMostShared = 232448;
  constexpr size_t kMostConstants = 4096;
  if (grid.blocks()->size() != kMostBlocks.size())
    return dataLoss("the grid has " + std::to_string(grid.blocks()->size()) +
                    " extents, not 3");
  for (uint32_t i = 0; i < kMostBlocks.size(); ++i)
    BURIN_TRY(checkBetween(grid.blocks()->Get(i), 1u, kMostBlocks[i],
                           "grid extent " + std::to_string(i)));
  BURIN_TRY(checkBetween(grid.threads(), 1u, kMostThreads, "threads a block"));
  BURIN_TRY(checkBetween(grid.cluster(), 1u, kMostCluster, "the cluster"));
  if (grid.blocks()->Get(0) % grid.cluster() != 0)
    return dataLoss("grid extent 0 of " +
                    std::to_string(grid.blocks()->Get(0)) +
                    " is not a multiple of the cluster of " +
                    std::to_string(grid.cluster()));
  BURIN_TRY(checkBetween(grid.shared_bytes(), 0u, kMostShared,
                         "shared memory a block"));
  size_t constants = grid.constants()->size();
  return checkBetween(constants, size_t{0}, kMostConstants,
                      "the number of bytes of constants");
}

Status checkTensorMap(const TensorMap& map, const Slice& slice,
                      uint64_t storage) {
  BURIN_TRY(checkLists(map));
  BURIN_TRY(checkAlignedWords(*map.extents(), "extents"));
  BURIN_TRY(checkAlignedWords(*map.strides(), "strides"));
  BURIN_TRY(checkDimensions(map));
  uint8_t swizzle = map.swizzle();
  if (swizzle != 0 && swizzle != 32 && swizzle != 64 && swizzle != 128)
    return dataLoss("swizzle " + std::to_string(swizzle) +
                    " is none of 0, 32, 64 and 128");
  uint64_t element = byteSize(dtypeOf(slice.dtype()));
  if (map.byte_offset() % element != 0)
    return dataLoss("byte offset " + std::to_string(map.byte_offset()) +
                    " is not a multiple of the element's " +
                    std::to_string(element) + " bytes");
  if ((slice.byte_offset() + map.byte_offset()) % 16 != 0)
    return dataLoss("it begins at byte " +
                    std::to_string(slice.byte_offset() + map.byte_offset()) +
                    " of its storage, not at a multiple of 16");
  uint64_t reach = 0;
  bool fits = reachOf(map, element, reach) && slice.byte_offset() <= storage &&
              map.byte_offset() <= storage - slice.byte_offset() &&
              reach <= storage - slice.byte_offset() - map.byte_offset();
  if (!fits)
    return dataLoss("it reaches beyond the slice's storage of " +
                    std::to_string(storage) + " bytes");
  return okStatus();
}

} // namespace burin::module
