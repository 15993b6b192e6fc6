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
};

constexpr double kAny = std::numeric_limits<double>::infinity();
constexpr std::array<Class, 6> kClasses{{
    {"exact", {0, kAny}, {0, kAny}},
    {"relative", {0x1p-21, kAny}, {0x1.1p-8, kAny}},
    {"unit", {0x1p-21, kAny}, {0x1.1p-8, kAny}},
    {"product", {0x1p-18, 1e-12}, {0x1p-7, 0x1p-16}},
    {"network", {kAny, 1e-10}, {kAny, 0x1p-11}},
    {"network_bf16", {kAny, 0x1p-11}, {kAny, 0x1p-11}},
}};
} // namespace

// The error that an element of value `x` may have.
static double allowed(const Class& limits, double worst, double x, double rms) {
  if (limits.name == "relative")
    return worst * std::abs(x) + FLT_MIN;
  if (limits.name == "unit")
    return worst * (1 + std::abs(x));
  return worst * (rms + std::abs(x)) + FLT_MIN;
}

// The share of the allowance that result `y` uses up against `x`, which is
// finite or not.
static double share(const Class& limits, double worst, double y, double x,
                    double exact, double rms) {
  if (std::isnan(x) || std::isnan(y))
    return std::isnan(x) && std::isnan(y) ? 0 : kAny;
  if (std::isinf(x) || std::isinf(y) || limits.name == "exact")
    return x == y ? 0 : kAny;
  if (std::isinf(worst))
    return 0;
  return std::abs(y - exact) / allowed(limits, worst, x, rms);
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
  const Limits& limits = dtype == DType::kF32 ? found->f32 : found->bf16;

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
  for (int64_t i = 0; i < reference.count(); ++i) {
    double exact = reference.values[i], y = result.values[i];
    double x = rounded(exact, dtype);
    double used = share(*found, limits.worst, y, x, exact, rms);
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
