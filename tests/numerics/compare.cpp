// SPDX-License-Identifier: Apache-2.0
// Measures errors in units of what is allowed.
#include "tests/numerics/compare.h"

#include "tests/numerics/operands.h"

#include <array>
#include <cfloat>
#include <cmath>
#include <limits>
#include <sstream>

namespace burin::numerics {

namespace {
struct Limits {
  double worst; // of an element
  double nmse;
};

struct Class {
  std::string_view name;
  Limits f32;
  // A result rounds by up to 2^-8 of itself, and the mean square of that is
  // its share of the error.
  Limits bf16;
  // The same with 2^-11.
  Limits f16;
};

constexpr double kAny = std::numeric_limits<double>::infinity();
constexpr std::array<Class, 8> kClasses{{
    {"exact", {0, kAny}, {0, kAny}, {0, kAny}},
    {"relative", {0x1p-21, kAny}, {0x1.1p-8, kAny}, {0x1.1p-11, kAny}},
    {"unit", {0x1p-21, kAny}, {0x1.1p-8, kAny}, {0x1.1p-11, kAny}},
    {"product", {0x1p-18, 1e-12}, {0x1p-7, 0x1p-16}, {0x1p-10, 0x1p-22}},
    {"products", {0x1p-18, 1e-12}, {0x1p-5, 0x1p-17}, {0x1p-8, 0x1p-23}},
    {"network", {kAny, 1e-10}, {kAny, 0x1p-11}, {kAny, 0x1p-17}},
    {"network_bf16", {kAny, 0x1p-11}, {kAny, 0x1p-11}, {kAny, 0x1p-11}},
    {"network_f16", {kAny, 0x1p-17}, {kAny, 0x1p-11}, {kAny, 0x1p-17}},
}};
} // namespace

static const Limits& limitsOf(const Class& c, DType dtype) {
  return dtype == DType::kF32 ? c.f32 : dtype == DType::kF16 ? c.f16 : c.bf16;
}

// What numbers near zero may lose: all below the smallest normal float, of f16
// only the last bit of its own subnormal numbers.
static double leastError(DType dtype) {
  return dtype == DType::kF16 ? 0x1p-24 : FLT_MIN;
}

// What the elements of one comparison are allowed by.
struct Allowance {
  const Class& limits;
  double worst; // of the class for the element type
  double least;
  double rms;
};

// The error that an element of value `x` may have.
static double allowed(const Allowance& a, double x) {
  if (a.limits.name == "relative")
    return a.worst * std::abs(x) + a.least;
  if (a.limits.name == "unit")
    return a.worst * (1 + std::abs(x));
  return a.worst * (a.rms + std::abs(x)) + a.least;
}

// The share of the allowance that result `y` uses up against `x`, which is
// finite or not.
static double share(const Allowance& a, double y, double x, double exact) {
  if (std::isnan(x) || std::isnan(y))
    return std::isnan(x) && std::isnan(y) ? 0 : kAny;
  if (std::isinf(x) || std::isinf(y) || a.limits.name == "exact")
    return x == y ? 0 : kAny;
  if (std::isinf(a.worst))
    return 0;
  return std::abs(y - exact) / allowed(a, x);
}

Result<Comparison> compare(const std::string& tolerance, DType dtype,
                           const ReferenceTensor& result,
                           const ReferenceTensor& reference) {
  const Class* found = nullptr;
  for (const Class& candidate : kClasses)
    if (candidate.name == tolerance)
      found = &candidate;
  if (!found)
    return invalidArgument("no tolerance class called '" + tolerance + "'");
  if (result.shape != reference.shape)
    return invalidArgument("the reference has shape " +
                           toString(reference.shape) + ", the result " +
                           toString(result.shape));
  const Limits& limits = limitsOf(*found, dtype);

  double power = 0, error = 0;
  int64_t finite = 0;
  for (int64_t i = 0; i < reference.count(); ++i) {
    double x = reference.values[i], y = result.values[i];
    if (!std::isfinite(rounded(x, dtype)) || !std::isfinite(y))
      continue;
    power += x * x;
    error += (y - x) * (y - x);
    ++finite;
  }
  double rms = finite ? std::sqrt(power / finite) : 0;
  Comparison outcome;
  outcome.nmse = power > 0 ? error / power : error;
  if (std::isfinite(limits.nmse))
    outcome.share = outcome.nmse / limits.nmse;
  const Allowance allowance{*found, limits.worst, leastError(dtype), rms};
  for (int64_t i = 0; i < reference.count(); ++i) {
    double exact = reference.values[i], y = result.values[i];
    double x = rounded(exact, dtype);
    double used = share(allowance, y, x, exact);
    if (!(used > outcome.share) && !outcome.worst.empty())
      continue;
    outcome.share = std::max(outcome.share, used);
    std::ostringstream text;
    text.precision(9);
    text << "element " << i << " is " << y << ", reference " << exact;
    outcome.worst = text.str();
  }
  return outcome;
}

} // namespace burin::numerics
