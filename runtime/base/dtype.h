// SPDX-License-Identifier: Apache-2.0
// Element types and shapes, shared by files, runtime, kernels and compiler.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace burin {

// The numbering is part of the module and checkpoint formats: append only.
enum class DType : uint8_t {
  kBool = 0, // one byte, 0 or 1
  kU8 = 1,
  kI32 = 2,
  kI64 = 3,
  kF16 = 4,
  kBF16 = 5,
  kF32 = 6,
  kF64 = 7,
};
inline constexpr int kDTypeCount = 8;

size_t byteSize(DType dtype);
// "bool", "u8", "i32", "i64", "f16", "bf16", "f32", "f64".
std::string_view name(DType dtype);
std::optional<DType> dtypeFromName(std::string_view name);

using Shape = std::vector<int64_t>;

// "[2,3,4]".
std::string toString(std::span<const int64_t> shape);
// The number of elements (1 for rank 0), or nothing when a dimension is
// negative or the product exceeds int64.
std::optional<int64_t> elementCount(std::span<const int64_t> shape);
// elementCount times byteSize, or nothing when that exceeds int64.
std::optional<int64_t> byteCount(DType dtype, std::span<const int64_t> shape);

// bf16 is the upper half of a float32; rounding is to nearest, ties to even,
// and a NaN stays a NaN.
inline float bf16ToFloat(uint16_t bits) {
  return std::bit_cast<float>(uint32_t{bits} << 16);
}
inline uint16_t floatToBf16(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u)
    return static_cast<uint16_t>((bits >> 16) | 0x40);
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1)) >> 16);
}
float f16ToFloat(uint16_t bits);
uint16_t floatToF16(float value);

} // namespace burin
