// SPDX-License-Identifier: Apache-2.0
// Noise tables and timestep spacings, equal to diffusers' to the last bit
// wherever the formulas allow.
#include "models/schedule/noise_levels.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace burin::schedule {
namespace {

// torch.linspace in float32: counted from the nearer end.
std::vector<float> linspaceFloat(double first, double last, int count) {
  auto start = static_cast<float>(first), end = static_cast<float>(last);
  std::vector<float> values(static_cast<size_t>(count), start);
  float step = count > 1 ? (end - start) / static_cast<float>(count - 1) : 0;
  for (int i = 0; i < count; ++i)
    values[static_cast<size_t>(i)] =
        i < count / 2 || count == 1
            ? start + step * static_cast<float>(i)
            : end - step * static_cast<float>(count - 1 - i);
  return values;
}

std::vector<float> betasOf(const Config& config) {
  int count = config.trainSteps;
  if (config.betas == Betas::kLinear)
    return linspaceFloat(config.betaStart, config.betaEnd, count);
  if (config.betas == Betas::kScaledLinear) {
    std::vector<float> betas = linspaceFloat(std::sqrt(config.betaStart),
                                             std::sqrt(config.betaEnd), count);
    for (float& beta : betas)
      beta *= beta;
    return betas;
  }
  auto level = [&](int step) { // Nichol and Dhariwal 2021, equation 17
    double t = static_cast<double>(step) / count;
    double cosine = std::cos((t + 0.008) / 1.008 * std::numbers::pi / 2);
    return cosine * cosine;
  };
  std::vector<float> betas;
  for (int i = 0; i < count; ++i)
    betas.push_back(
        static_cast<float>(std::min(1 - level(i + 1) / level(i), 0.999)));
  return betas;
}

} // namespace

NoiseLevels::NoiseLevels(const Config& config) {
  double product = 1;
  for (float beta : betasOf(config)) {
    product *= 1.0f - beta;
    auto alphaBar = static_cast<float>(product);
    float sigma = std::sqrt((1.0f - alphaBar) / alphaBar);
    alphaBar_.push_back(alphaBar);
    sigma_.push_back(sigma);
    logSigma_.push_back(std::log(sigma));
  }
}

double NoiseLevels::sigmaAt(double t) const {
  int last = count() - 1;
  if (t <= 0)
    return sigma(0);
  if (t >= last)
    return sigma(last);
  int below = static_cast<int>(t);
  double part = t - below;
  return sigma(below) + part * (sigma(below + 1) - sigma(below));
}

double NoiseLevels::stepOf(double sigma) const {
  double wanted = std::log(std::max(sigma, 1e-10));
  auto above = std::upper_bound(logSigma_.begin(), logSigma_.end(), wanted);
  std::ptrdiff_t low = std::clamp<std::ptrdiff_t>(above - logSigma_.begin() - 1,
                                                  0, std::max(count() - 2, 0));
  std::ptrdiff_t high = std::min<std::ptrdiff_t>(low + 1, count() - 1);
  double lowLog = logSigma_[static_cast<size_t>(low)];
  double highLog = logSigma_[static_cast<size_t>(high)];
  if (lowLog == highLog)
    return static_cast<double>(low);
  double part = std::clamp((lowLog - wanted) / (lowLog - highLog), 0.0, 1.0);
  return (1 - part) * static_cast<double>(low) +
         part * static_cast<double>(high);
}

std::vector<double> linspace(double first, double last, int count) {
  std::vector<double> values;
  double stride = count > 1 ? (last - first) / (count - 1) : 0;
  for (int i = 0; i < count; ++i)
    values.push_back(i > 0 && i == count - 1 ? last : i * stride + first);
  return values;
}

std::vector<double> descending(double first, double stride, int count) {
  std::vector<double> values;
  double difference = (first - stride) - first;
  for (int i = 0; i < count; ++i)
    values.push_back(first + i * difference);
  return values;
}

std::vector<double> spacedSteps(Spacing spacing, int trainSteps, int steps,
                                int offset, bool whole) {
  std::vector<double> values;
  switch (spacing) {
  case Spacing::kLinspace:
    values = linspace(0, trainSteps - 1, steps);
    std::reverse(values.begin(), values.end());
    if (whole)
      for (double& value : values)
        value = std::nearbyint(value);
    break;
  case Spacing::kLeading:
    for (int i = steps - 1; i >= 0; --i)
      values.push_back(i * (trainSteps / steps) + offset);
    break;
  case Spacing::kTrailing:
    values =
        descending(trainSteps, static_cast<double>(trainSteps) / steps, steps);
    for (double& value : values)
      value = std::nearbyint(value) - 1;
    break;
  }
  return values;
}

std::vector<double> karrasSigmas(double highest, double lowest, int count) {
  constexpr double kRho = 7;
  double from = std::pow(highest, 1 / kRho), to = std::pow(lowest, 1 / kRho);
  std::vector<double> sigmas;
  for (double ramp : linspace(0, 1, count))
    sigmas.push_back(std::pow(from + ramp * (to - from), kRho));
  return sigmas;
}

} // namespace burin::schedule
