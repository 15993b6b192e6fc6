// SPDX-License-Identifier: Apache-2.0
// How one command becomes a call of the driver.
#include <algorithm>

#include "runtime/device/cuda/cuda_command_buffer.h"

namespace burin::cuda {
namespace {

DevicePointer addressOf(const Operand& operand,
                        std::span<std::byte* const> bindings) {
  return pointer(bindings[operand.binding] + operand.byteOffset);
}

// CUtensorMapDataType, or -1.
int mapType(DType dtype) {
  switch (dtype) {
  case DType::kBool:
  case DType::kU8:
    return 0;
  case DType::kI32:
    return 3;
  case DType::kI64:
    return 5;
  case DType::kF16:
    return 6;
  case DType::kF32:
    return 7;
  case DType::kF64:
    return 8;
  case DType::kBF16:
    return 9;
  }
  return -1;
}

// CUtensorMapSwizzle.
int mapSwizzle(uint8_t bytes) {
  return bytes == 128 ? 3 : bytes == 64 ? 2 : bytes == 32 ? 1 : 0;
}

template <typename Number>
std::string list(const std::vector<Number>& numbers) {
  std::string text;
  for (Number number : numbers)
    text += (text.empty() ? "" : ",") + std::to_string(number);
  return "[" + text + "]";
}

std::string describe(const TensorMap& map, DevicePointer address) {
  return "encoding of a tensor map of slice " + std::to_string(map.slice) +
         " (address " + std::to_string(address) + ", extents " +
         list(map.extents) + ", strides " + list(map.strides) + ", box " +
         list(map.box) + ", steps " + list(map.steps) + ", swizzle " +
         std::to_string(map.swizzle) + ")";
}

} // namespace

Status CudaCommandBuffer::enqueue(const Command& command, Bindings bindings,
                                  bool overlaps) {
  switch (command.verb) {
  case Verb::kLaunch:
    return enqueueLaunch(command, bindings, overlaps);
  case Verb::kCopy:
    return enqueueCopy(command, bindings);
  case Verb::kFill:
    return enqueueFill(command, bindings);
  case Verb::kCollective:
    break;
  }
  return okStatus();
}

Status CudaCommandBuffer::encode(const Command& command, const TensorMap& map,
                                 Bindings bindings, EncodedMap& encoded) {
  constexpr int kInterleaveNone = 0;
  constexpr int kPromote256 = 3;
  constexpr int kZeroOutside = 0;
  const Operand& slice = command.operands[map.slice];
  DevicePointer address = addressOf(slice, bindings) + map.byteOffset;
  Code code = context_.driver.encodeTiled(
      &encoded, mapType(slice.dtype), static_cast<unsigned>(map.extents.size()),
      reinterpret_cast<void*>(address), map.extents.data(), map.strides.data(),
      map.box.data(), map.steps.data(), kInterleaveNone,
      mapSwizzle(map.swizzle), kPromote256, kZeroOutside);
  if (code == kSuccess)
    return okStatus();
  return context_.check(code, describe(map, address));
}

Status CudaCommandBuffer::enqueueLaunch(const Command& command,
                                        Bindings bindings, bool overlaps) {
  const Grid& grid = command.grid;
  for (size_t i = 0; i < command.operands.size(); ++i)
    views_[i] = {addressOf(command.operands[i], bindings),
                 command.operands[i].pitch};
  parameters_.assign(1, views_.data());
  for (size_t i = 0; i < grid.maps.size(); ++i) {
    BURIN_TRY(encode(command, grid.maps[i], bindings, maps_[i]));
    parameters_.push_back(&maps_[i]);
  }
  // The driver reads parameters only.
  if (!grid.constants.empty())
    parameters_.push_back(const_cast<std::byte*>(grid.constants.data()));

  std::array<LaunchAttribute, 2> attributes = {};
  unsigned count = 0;
  if (grid.cluster > 1)
    attributes[count++] = {LaunchAttribute::kClusterDimension,
                           {grid.cluster, 1, 1}};
  if (grid.overlaps && overlaps)
    attributes[count++] = {LaunchAttribute::kProgrammaticSerialization, {1}};
  LaunchConfig config = {{grid.blocks[0], grid.blocks[1], grid.blocks[2]},
                         {grid.threads, 1, 1},
                         grid.sharedBytes,
                         context_.stream,
                         attributes.data(),
                         count};
  Code code = context_.driver.launch(&config, command.function,
                                     parameters_.data(), nullptr);
  if (code == kSuccess)
    return okStatus();
  return context_.check(
      code,
      "launch of " + list(std::vector(grid.blocks.begin(), grid.blocks.end())) +
          " blocks of " + std::to_string(grid.threads) + " threads with " +
          std::to_string(grid.sharedBytes) + " bytes of shared memory");
}

Status CudaCommandBuffer::enqueueCopy(const Command& command,
                                      Bindings bindings) {
  const Operand& source = command.operands[0];
  const Operand& target = command.operands[1];
  size_t element = byteSize(source.dtype);
  size_t width = static_cast<size_t>(source.extent) * element;
  auto rows = static_cast<size_t>(source.rows);
  if (rows == 0 || width == 0)
    return okStatus();
  DevicePointer from = addressOf(source, bindings);
  DevicePointer to = addressOf(target, bindings);
  bool dense = rows == 1 ||
               (source.pitch == source.extent && target.pitch == target.extent);
  if (dense)
    return context_.check(
        context_.driver.copyOnDevice(to, from, rows * width, context_.stream),
        "copy of " + std::to_string(rows * width) + " bytes");
  Copy2D copy = {};
  copy.source.device = from;
  copy.source.pitch = static_cast<size_t>(source.pitch) * element;
  copy.target.device = to;
  copy.target.pitch = static_cast<size_t>(target.pitch) * element;
  copy.widthInBytes = width;
  copy.height = rows;
  return context_.check(context_.driver.copy2D(&copy, context_.stream),
                        "copy of " + std::to_string(rows) + " rows of " +
                            std::to_string(width) + " bytes");
}

// `extent` and `pitch` count elements of `element` bytes.
Status CudaCommandBuffer::fillRows(DevicePointer target, size_t element,
                                   uint64_t pattern, int64_t rows,
                                   int64_t extent, int64_t pitch) {
  const Driver& driver = context_.driver;
  auto width = static_cast<size_t>(extent);
  auto height = static_cast<size_t>(rows);
  size_t pitchBytes = static_cast<size_t>(pitch) * element;
  Code code = kSuccess;
  if (element == 1)
    code = driver.fill8(target, pitchBytes, static_cast<uint8_t>(pattern),
                        width, height, context_.stream);
  else if (element == 2)
    code = driver.fill16(target, pitchBytes, static_cast<uint16_t>(pattern),
                         width, height, context_.stream);
  else
    code = driver.fill32(target, pitchBytes, static_cast<uint32_t>(pattern),
                         width, height, context_.stream);
  return context_.check(code, "fill of " + std::to_string(rows) + " rows of " +
                                  std::to_string(extent) + " elements");
}

// The driver has no pattern of 8 bytes: the halves of the elements of a row
// are columns of 4 bytes, 8 bytes apart.
Status CudaCommandBuffer::enqueueFill(const Command& command,
                                      Bindings bindings) {
  const Operand& slice = command.operands[0];
  DevicePointer target = addressOf(slice, bindings);
  size_t element = byteSize(slice.dtype);
  uint64_t pattern = command.pattern;
  int64_t rows = slice.rows;
  int64_t extent = slice.extent;
  int64_t pitch = slice.pitch;
  if (rows == 0 || extent == 0)
    return okStatus();
  if (pitch == extent) {
    extent *= rows;
    pitch = extent;
    rows = 1;
  }
  if (element < 8)
    return fillRows(target, element, pattern, rows, extent, pitch);
  auto low = static_cast<uint32_t>(pattern);
  auto high = static_cast<uint32_t>(pattern >> 32);
  if (low == high)
    return fillRows(target, 4, low, rows, 2 * extent, 2 * pitch);
  for (int64_t row = 0; row < rows; ++row) {
    DevicePointer first = target + static_cast<uint64_t>(row * pitch) * 8;
    BURIN_TRY(fillRows(first, 4, low, extent, 1, 2));
    BURIN_TRY(fillRows(first + 4, 4, high, extent, 1, 2));
  }
  return okStatus();
}

} // namespace burin::cuda
