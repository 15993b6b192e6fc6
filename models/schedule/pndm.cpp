// SPDX-License-Identifier: Apache-2.0
// PNDM in its linear multistep form (PLMS): Adams-Bashforth on the network's
// outputs, started by one step of Heun's method that evaluates twice.
#include <algorithm>
#include <cmath>

#include "models/schedule/plans.h"

namespace burin::schedule {
namespace {

// Adams-Bashforth weights of the latest output and those before it.
constexpr std::array<std::array<double, kHistory>, 4> kWeights = {
    {{1, 0, 0, 0},
     {3.0 / 2, -1.0 / 2, 0, 0},
     {23.0 / 12, -16.0 / 12, 5.0 / 12, 0},
     {55.0 / 24, -59.0 / 24, 37.0 / 24, -9.0 / 24}}};

// Evaluation 1 repeats the step of evaluation 0 with the mean of both.
std::vector<double> evaluations(const Config& config, int steps) {
  std::vector<double> values =
      spacedSteps(config.spacing.value_or(Spacing::kLeading), config.trainSteps,
                  steps, config.stepsOffset, true);
  if (steps > 1)
    values.insert(values.begin() + 1, values[1]);
  return values;
}

} // namespace

Plan pndmPlan(const Config& config, const NoiseLevels& levels, int steps) {
  Plan plan;
  int stride = config.trainSteps / steps;
  double finalAlpha =
      config.alphaToOne.value_or(false) ? 1.0 : levels.alphaBar(0);
  std::vector<double> timesteps = evaluations(config, steps);
  for (size_t i = 0; i < timesteps.size(); ++i) {
    Step& step = plan.steps.emplace_back();
    step.timestep = static_cast<float>(timesteps[i]);
    bool repeat = i == 1;
    int now = static_cast<int>(timesteps[i]) + (repeat ? stride : 0);
    int before = now - stride;
    now = std::clamp(now, 0, levels.count() - 1);
    double alpha = levels.alphaBar(now);
    double alphaBefore = before >= 0 ? levels.alphaBar(before) : finalAlpha;

    // Equation 9 of the paper, for the noise e:
    //   x' = sqrt(abar'/abar) x - (abar' - abar) e /
    //        (abar sqrt(1 - abar') + sqrt(abar (1 - abar) abar'))
    double sample = std::sqrt(alphaBefore / alpha);
    double noise =
        -(alphaBefore - alpha) / (alpha * std::sqrt(1 - alphaBefore) +
                                  std::sqrt(alpha * (1 - alpha) * alphaBefore));
    if (config.prediction == Prediction::kVelocity) {
      sample += noise * std::sqrt(1 - alpha);
      noise *= std::sqrt(alpha);
    }
    step.sample = static_cast<float>(sample);
    if (repeat) {
      step.remembered = false;
      step.fromFirst = true;
      step.output = static_cast<float>(noise / 2);
      step.history[0] = static_cast<float>(noise / 2);
      continue;
    }
    size_t remembered = std::min<size_t>(i == 0 ? 1 : i, kHistory);
    for (size_t k = 0; k < kHistory; ++k)
      step.history[k] = static_cast<float>(noise * kWeights[remembered - 1][k]);
  }
  return plan;
}

} // namespace burin::schedule
