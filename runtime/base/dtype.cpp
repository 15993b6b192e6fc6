// SPDX-License-Identifier: Apache-2.0
// Names, sizes and conversions of element types.
#include "runtime/base/dtype.h"

#include <array>

namespace burin {
namespace {
struct Entry {
  std::string_view name;
  size_t bytes;
};
constexpr std::array<Entry, kDTypeCount> kEntries = {{{"bool", 1},
                                                      {"u8", 1},
                                                      {"i32", 4},
                                                      {"i64", 8},
                                                      {"f16", 2},
                                                      {"bf16", 2},
                                                      {"f32", 4},
                                                      {"f64", 8}}};
} // namespace

size_t byteSize(DType dtype) {
  return kEntries[static_cast<size_t>(dtype)].bytes;
}

std::string_view name(DType dtype) {
  return kEntries[static_cast<size_t>(dtype)].name;
}

std::optional<DType> dtypeFromName(std::string_view name) {
  for (size_t i = 0; i < kEntries.size(); ++i)
    if (kEntries[i].name == name)
      return static_cast<DType>(i);
  return std::nullopt;
}

std::string toString(std::span<const int64_t> shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? "," : "") + std::to_string(shape[i]);
  return text + "]";
}

std::optional<int64_t> elementCount(std::span<const int64_t> shape) {
  int64_t count = 1;
  for (int64_t extent : shape)
    if (extent < 0 || __builtin_mul_overflow(count, extent, &count))
      return std::nullopt;
  return count;
}

std::optional<int64_t> byteCount(DType dtype, std::span<const int64_t> shape) {
  std::optional<int64_t> count = elementCount(shape);
  int64_t bytes = 0;
  if (!count || __builtin_mul_overflow(
                    *count, static_cast<int64_t>(byteSize(dtype)), &bytes))
    return std::nullopt;
  return bytes;
}

float f16ToFloat(uint16_t bits) {
  uint32_t sign = uint32_t{bits & 0x8000u} << 16;
  uint32_t exponent = (bits >> 10) & 0x1f, mantissa = bits & 0x3ff;
  if (exponent == 0) // zero or subnormal: mantissa * 2^-24
    return std::bit_cast<float>(
        sign |
        std::bit_cast<uint32_t>(static_cast<float>(mantissa) * 0x1p-24f));
  if (exponent == 31)
    return std::bit_cast<float>(sign | 0x7f800000u | (mantissa << 13));
  return std::bit_cast<float>(sign | ((exponent + 112) << 23) |
                              (mantissa << 13));
}

uint16_t floatToF16(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  uint16_t sign = static_cast<uint16_t>((bits >> 16) & 0x8000u);
  uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u)
    return sign | 0x7e00;
  if (magnitude >= 0x477ff000u) // rounds to 2^16 or more
    return sign | 0x7c00;
  if (magnitude < 0x38800000u) { // below 2^-14: subnormal, in units of 2^-24
    // Adding 0.5 aligns the unit of the last place with 2^-24.
    float aligned = std::bit_cast<float>(magnitude) + 0.5f;
    return sign | static_cast<uint16_t>(std::bit_cast<uint32_t>(aligned) -
                                        0x3f000000u);
  }
  uint32_t rounded = magnitude + 0xfffu + ((magnitude >> 13) & 1);
  return sign | static_cast<uint16_t>((rounded - 0x38000000u) >> 13);
}

} // namespace burin
