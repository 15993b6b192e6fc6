// SPDX-License-Identifier: Apache-2.0
// The closed formulas.
#include "models/train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace burin::train {

double rateAt(const RateConfig& rate, int64_t steps, int64_t step) {
  if (step < rate.warmup)
    return rate.peak * static_cast<double>(step + 1) /
           static_cast<double>(rate.warmup + 1);
  double x = static_cast<double>(step - rate.warmup) /
             static_cast<double>(steps - rate.warmup);
  switch (rate.shape) {
  case RateConfig::Shape::kConstant:
    return rate.peak;
  case RateConfig::Shape::kLinear:
    return rate.last + (rate.peak - rate.last) * (1 - x);
  case RateConfig::Shape::kCosine:
    return rate.last +
           (rate.peak - rate.last) * (1 + std::cos(std::numbers::pi * x)) / 2;
  }
  return rate.peak;
}

double averageDecayAt(double decay, int64_t step) {
  auto t = static_cast<double>(step);
  return std::min(decay, (1 + t) / (10 + t));
}

schedule::HyperParameters hyperParametersAt(const TrainConfig& config,
                                            int64_t step) {
  schedule::HyperParameters hyper;
  hyper.learningRate = rateAt(config.rate, config.steps, step);
  hyper.weightDecay = config.adamw.decay;
  hyper.beta1 = config.adamw.beta1;
  hyper.beta2 = config.adamw.beta2;
  hyper.epsilon = config.adamw.epsilon;
  hyper.maxGradientNorm = config.maxGradientNorm;
  hyper.averageDecay = averageDecayAt(config.averageDecay, step);
  return hyper;
}

} // namespace burin::train
