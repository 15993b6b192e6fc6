// SPDX-License-Identifier: Apache-2.0
// Makes the numbers that ops are tried on.
#include "tests/numerics/operands.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <random>
#include <sstream>

namespace burin::numerics {

static const std::vector<double>& edges() {
  static const double infinity = std::numeric_limits<double>::infinity();
  static const std::vector<double> kEdges{
      0.0,    -0.0,    1.0,  -1.0,  infinity, -infinity, NAN,       1e-40,
      -1e-40, 1.5e-38, 3e38, -3e38, 0.5,      -2.5,      88.0,      -88.0,
      90.0,   -104.0,  1e-8, 1e4,   -1e4,     3.25,      0.0078125, -17.0};
  return kEdges;
}

size_t edgeCount() {
  return edges().size();
}

double rounded(double value, DType dtype) {
  switch (dtype) {
  case DType::kF16:
    return f16ToFloat(floatToF16(static_cast<float>(value)));
  case DType::kBF16:
    return bf16ToFloat(floatToBf16(static_cast<float>(value)));
  case DType::kF32:
    return static_cast<float>(value);
  default:
    return value;
  }
}

// Every number of a row comes from this, so a row is the same on each run.
using Source = std::function<double(int64_t index)>;

static Result<Source> sourceFor(const std::string& recipe, size_t position) {
  std::istringstream stream(recipe);
  std::string kind;
  std::getline(stream, kind, ':');
  std::vector<double> numbers;
  for (std::string number; std::getline(stream, number, ':');)
    numbers.push_back(std::strtod(number.c_str(), nullptr));
  auto bits = std::make_shared<std::mt19937>(17 + position);
  // Box-Muller by hand: the library's distributions differ by vendor.
  auto unit = [bits] { return ((*bits)() + 0.5) * 0x1p-32; };
  auto normal = [unit] {
    double radius = std::sqrt(-2 * std::log(unit()));
    return radius * std::cos(2 * M_PI * unit());
  };
  size_t known = numbers.size();
  if (kind == "normal" && known == 0)
    return Source([normal](int64_t) { return normal(); });
  if (kind == "positive" && known == 0)
    return Source([normal](int64_t) { return std::abs(normal()) + 0.5; });
  if (kind == "offset" && known == 1)
    return Source([=](int64_t) { return numbers[0] + normal(); });
  if (kind == "integers" && known == 1)
    return Source([=](int64_t) {
      return std::floor(unit() * (2 * numbers[0] + 1)) - numbers[0];
    });
  if (kind == "index" && known == 1)
    return Source([=](int64_t) { return std::floor(unit() * numbers[0]); });
  if (kind == "uniform" && known == 2)
    return Source([=](int64_t) {
      return numbers[0] + unit() * (numbers[1] - numbers[0]);
    });
  if (kind == "list" && known > 0)
    return Source([=](int64_t i) { return numbers[i % known]; });
  if (kind == "edges" && known == 0)
    return Source([position](int64_t i) {
      size_t step = position == 0 ? 1 : edgeCount();
      return edges()[i / step % edgeCount()];
    });
  return invalidArgument("no recipe for operands called '" + recipe + "'");
}

Result<ReferenceTensor> makeOperand(const std::string& recipe, Shape shape,
                                    DType dtype, size_t position) {
  BURIN_ASSIGN(Source source, sourceFor(recipe, position));
  ReferenceTensor tensor(std::move(shape));
  for (int64_t i = 0; i < tensor.count(); ++i)
    tensor.values[i] = rounded(source(i), dtype);
  return tensor;
}

// Calls `visit` with a value of the C++ type that stores `dtype`, and the
// conversions from and to it.
template <typename Visit>
static void withStorage(DType dtype, Visit visit) {
  auto plain = [&]<typename T>(T) {
    visit(
        T{}, [](double x) { return static_cast<T>(x); },
        [](T x) { return static_cast<double>(x); });
  };
  switch (dtype) {
  case DType::kBool:
  case DType::kU8:
    return plain(uint8_t{});
  case DType::kI32:
    return plain(int32_t{});
  case DType::kI64:
    return plain(int64_t{});
  case DType::kF32:
    return plain(float{});
  case DType::kF64:
    return plain(double{});
  case DType::kF16:
    return visit(
        uint16_t{}, [](double x) { return floatToF16(static_cast<float>(x)); },
        [](uint16_t x) { return double{f16ToFloat(x)}; });
  case DType::kBF16:
    return visit(
        uint16_t{}, [](double x) { return floatToBf16(static_cast<float>(x)); },
        [](uint16_t x) { return double{bf16ToFloat(x)}; });
  }
}

std::vector<std::byte> encode(const ReferenceTensor& tensor, DType dtype) {
  std::vector<std::byte> bytes;
  withStorage(dtype, [&](auto zero, auto to, auto) {
    bytes.resize(tensor.values.size() * sizeof(zero));
    for (size_t i = 0; i < tensor.values.size(); ++i) {
      auto stored = to(tensor.values[i]);
      std::memcpy(bytes.data() + i * sizeof(zero), &stored, sizeof(zero));
    }
  });
  return bytes;
}

ReferenceTensor decode(const std::vector<std::byte>& bytes, Shape shape,
                       DType dtype) {
  ReferenceTensor tensor(std::move(shape));
  withStorage(dtype, [&](auto zero, auto, auto from) {
    for (size_t i = 0; i < tensor.values.size(); ++i) {
      auto stored = zero;
      std::memcpy(&stored, bytes.data() + i * sizeof(zero), sizeof(zero));
      tensor.values[i] = from(stored);
    }
  });
  return tensor;
}

} // namespace burin::numerics
