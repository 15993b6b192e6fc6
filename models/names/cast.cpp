// SPDX-License-Identifier: Apache-2.0
// One loop for each pair of types.
#include "models/names/cast.h"

#include <cmath>
#include <cstring>

namespace burin::names {
namespace {

struct F16 {
  using Storage = uint16_t;
  static float load(Storage bits) { return f16ToFloat(bits); }
  static Storage store(float value) { return floatToF16(value); }
};
struct Bf16 {
  using Storage = uint16_t;
  static float load(Storage bits) { return bf16ToFloat(bits); }
  static Storage store(float value) { return floatToBf16(value); }
};
struct F32 {
  using Storage = float;
  static float load(Storage value) { return value; }
  static Storage store(float value) { return value; }
};
struct F64 { // only ever read from: values pass through float
  using Storage = double;
  static float load(Storage value) { return static_cast<float>(value); }
  static Storage store(float value) { return value; }
};

template <typename From, typename To>
size_t castAll(std::span<const std::byte> source, std::span<std::byte> target) {
  size_t overflows = 0;
  const size_t count = source.size() / sizeof(typename From::Storage);
  for (size_t i = 0; i < count; ++i) {
    typename From::Storage in;
    std::memcpy(&in, source.data() + i * sizeof in, sizeof in);
    const float value = From::load(in);
    typename To::Storage out = To::store(value);
    std::memcpy(target.data() + i * sizeof out, &out, sizeof out);
    overflows += std::isinf(To::load(out)) && !std::isinf(value);
  }
  return overflows;
}

template <typename From>
size_t castFrom(std::span<const std::byte> source, DType to,
                std::span<std::byte> target) {
  switch (to) {
  case DType::kF16:
    return castAll<From, F16>(source, target);
  case DType::kBF16:
    return castAll<From, Bf16>(source, target);
  case DType::kF64:
    return castAll<From, F64>(source, target);
  default:
    return castAll<From, F32>(source, target);
  }
}

} // namespace

size_t castFloats(DType from, std::span<const std::byte> source, DType to,
                  std::span<std::byte> target) {
  switch (from) {
  case DType::kF16:
    return castFrom<F16>(source, to, target);
  case DType::kBF16:
    return castFrom<Bf16>(source, to, target);
  case DType::kF64:
    return castFrom<F64>(source, to, target);
  default:
    return castFrom<F32>(source, to, target);
  }
}

} // namespace burin::names
