// SPDX-License-Identifier: Apache-2.0
// Element conversion through double, or int64 between integers.
#include "tools/burin/tensor_convert.h"

#include <cstring>
#include <limits>

namespace burin::cli {
namespace {

bool isFloat(DType dtype) {
  return dtype == DType::kF16 || dtype == DType::kBF16 ||
         dtype == DType::kF32 || dtype == DType::kF64;
}

template <typename T>
T load(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}
template <typename T>
void store(std::byte* to, T value) {
  std::memcpy(to, &value, sizeof(T));
}

int64_t loadInteger(DType dtype, const std::byte* from) {
  switch (dtype) {
  case DType::kI64:
    return load<int64_t>(from);
  case DType::kI32:
    return load<int32_t>(from);
  default: // bool, u8
    return load<uint8_t>(from);
  }
}

double loadNumber(DType dtype, const std::byte* from) {
  switch (dtype) {
  case DType::kF16:
    return f16ToFloat(load<uint16_t>(from));
  case DType::kBF16:
    return bf16ToFloat(load<uint16_t>(from));
  case DType::kF32:
    return load<float>(from);
  case DType::kF64:
    return load<double>(from);
  default:
    return static_cast<double>(loadInteger(dtype, from));
  }
}

void storeFloat(DType dtype, double value, std::byte* to) {
  auto single = static_cast<float>(value);
  switch (dtype) {
  case DType::kF16:
    return store(to, floatToF16(single));
  case DType::kBF16:
    return store(to, floatToBf16(single));
  case DType::kF32:
    return store(to, single);
  default:
    return store(to, value);
  }
}

// False when the value does not fit.
bool storeInteger(DType dtype, int64_t value, std::byte* to) {
  switch (dtype) {
  case DType::kI64:
    store(to, value);
    return true;
  case DType::kI32:
    store(to, static_cast<int32_t>(value));
    return value >= std::numeric_limits<int32_t>::min() &&
           value <= std::numeric_limits<int32_t>::max();
  case DType::kU8:
    store(to, static_cast<uint8_t>(value));
    return value >= 0 && value <= 255;
  default:
    store(to, static_cast<uint8_t>(value));
    return value == 0 || value == 1;
  }
}

} // namespace

Result<std::vector<std::byte>> convertElements(const TensorView& tensor,
                                               DType dtype) {
  auto what = [&] { return "tensor '" + std::string(tensor.name) + "'"; };
  if (isFloat(tensor.dtype) && !isFloat(dtype))
    return invalidArgument(what() + " is " + std::string(name(tensor.dtype)) +
                           " where integers (" + std::string(name(dtype)) +
                           ") are needed");
  size_t from = byteSize(tensor.dtype), to = byteSize(dtype);
  size_t count = tensor.data.size() / from;
  std::vector<std::byte> result(count * to);
  for (size_t i = 0; i < count; ++i) {
    const std::byte* source = tensor.data.data() + i * from;
    std::byte* target = result.data() + i * to;
    if (isFloat(dtype)) {
      storeFloat(dtype, loadNumber(tensor.dtype, source), target);
    } else if (int64_t value = loadInteger(tensor.dtype, source);
               !storeInteger(dtype, value, target)) {
      return invalidArgument(what() + " holds " + std::to_string(value) +
                             ", which does not fit " +
                             std::string(name(dtype)));
    }
  }
  return result;
}

} // namespace burin::cli
