// SPDX-License-Identifier: Apache-2.0
// The oracle of elementwise functions of one operand.
#include "ops/reference.h"

#include <cmath>
#include <numbers>

namespace burin::reference::unary {

static double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

static double gelu(double x) {
  return x / 2 * (1 + std::erf(x / std::numbers::sqrt2));
}

static double geluTanh(double x) {
  double inner = std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x);
  return x / 2 * (1 + std::tanh(inner));
}

static double apply(std::string_view kind, double x) {
  if (kind == "abs")
    return std::abs(x);
  if (kind == "cos")
    return std::cos(x);
  if (kind == "erf")
    return std::erf(x);
  if (kind == "exp")
    return std::exp(x);
  if (kind == "gelu")
    return gelu(x);
  if (kind == "gelu_tanh")
    return geluTanh(x);
  if (kind == "is_finite")
    return std::isfinite(x) ? 1 : 0;
  if (kind == "log")
    return std::log(x);
  if (kind == "neg")
    return -x;
  if (kind == "quick_gelu")
    return x * sigmoid(1.702 * x);
  if (kind == "reciprocal")
    return 1 / x;
  if (kind == "rsqrt")
    return 1 / std::sqrt(x);
  if (kind == "sigmoid")
    return sigmoid(x);
  if (kind == "silu")
    return x * sigmoid(x);
  if (kind == "sin")
    return std::sin(x);
  if (kind == "sqrt")
    return std::sqrt(x);
  if (kind == "square")
    return x * x;
  return std::tanh(x);
}

std::vector<ReferenceTensor> compute(const ReferenceProperties& p,
                                     std::span<const ReferenceTensor> in) {
  ReferenceTensor y = in[0];
  for (double& value : y.values)
    value = apply(p.text("kind"), value);
  return {y};
}

} // namespace burin::reference::unary
