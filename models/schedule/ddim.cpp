// SPDX-License-Identifier: Apache-2.0
// DDIM: predict x0, then go back to the noise level of the step before.
#include <algorithm>
#include <cmath>

#include "models/schedule/plans.h"

namespace burin::schedule {

Plan ddimPlan(const Config& config, const NoiseLevels& levels, int steps,
              double eta) {
  Plan plan;
  plan.drawsNoise = eta > 0;
  double finalAlpha =
      config.alphaToOne.value_or(true) ? 1.0 : levels.alphaBar(0);
  int stride = config.trainSteps / steps;
  for (double timestep :
       spacedSteps(config.spacing.value_or(Spacing::kLeading),
                   config.trainSteps, steps, config.stepsOffset, true)) {
    Step& step = plan.steps.emplace_back();
    step.timestep = static_cast<float>(timestep);
    int now = std::clamp(static_cast<int>(timestep), 0, levels.count() - 1);
    int before = static_cast<int>(timestep) - stride;
    double alpha = levels.alphaBar(now);
    double alphaBefore = before >= 0 ? levels.alphaBar(before) : finalAlpha;
    double signal = std::sqrt(alpha), noise = std::sqrt(1 - alpha);

    // sigma = eta sqrt((1 - abar')/(1 - abar)) sqrt(1 - abar/abar')
    double sigma = eta * std::sqrt(std::max((1 - alphaBefore) / (1 - alpha) *
                                                (1 - alpha / alphaBefore),
                                            0.0));
    double direction =
        std::sqrt(std::max(1 - alphaBefore - sigma * sigma, 0.0));
    // The prediction is x0; the direction is the network's noise, which
    // clipping does not touch.
    if (config.prediction == Prediction::kEpsilon) {
      step.predictionSample = static_cast<float>(1 / signal);
      step.predictionOutput = static_cast<float>(-noise / signal);
      step.sample = 0;
      step.output = static_cast<float>(direction);
    } else {
      step.predictionSample = static_cast<float>(signal);
      step.predictionOutput = static_cast<float>(-noise);
      step.sample = static_cast<float>(direction * noise);
      step.output = static_cast<float>(direction * signal);
    }
    if (config.clipSample)
      step.clip = static_cast<float>(config.clipRange);
    step.history[0] = static_cast<float>(std::sqrt(alphaBefore));
    step.noise = static_cast<float>(sigma);
  }
  return plan;
}

} // namespace burin::schedule
