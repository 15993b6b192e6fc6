// SPDX-License-Identifier: Apache-2.0
// Euler's method along dx/dsigma = (x - x0) / sigma, with and without noise.
#include <algorithm>
#include <cmath>

#include "models/schedule/plans.h"

namespace burin::schedule {
namespace {

// Levels to visit and what the network is told at each.
struct Levels {
  std::vector<double> sigmas;
  std::vector<double> timesteps;
};

Levels visited(const Config& config, const NoiseLevels& levels, int steps) {
  Levels visit;
  visit.timesteps =
      spacedSteps(config.spacing.value_or(Spacing::kLinspace),
                  config.trainSteps, steps, config.stepsOffset, false);
  for (double& timestep : visit.timesteps) {
    timestep = static_cast<float>(timestep);
    visit.sigmas.push_back(levels.sigmaAt(timestep));
  }
  return visit;
}

// Rows that take the sample from each sigma to the matching one of `targets`.
// In terms of the scaled sample x / sqrt(sigma^2 + 1) the network's output is
//   epsilon:  x0 = x - sigma m
//   velocity: x0 = x / (sigma^2 + 1) - sigma / sqrt(sigma^2 + 1) m
Plan makeRows(const Config& config, const Levels& visit,
              const std::vector<double>& targets) {
  Plan plan;
  double highest = 0;
  for (size_t i = 0; i < visit.sigmas.size(); ++i) {
    double sigma = static_cast<float>(visit.sigmas[i]);
    double delta = targets[i] - sigma;
    double root = std::sqrt(sigma * sigma + 1);
    highest = std::max(highest, sigma);
    Step& step = plan.steps.emplace_back();
    step.remembered = false;
    step.timestep = static_cast<float>(visit.timesteps[i]);
    step.inputScale = static_cast<float>(1 / root);
    if (config.prediction == Prediction::kEpsilon) {
      step.output = static_cast<float>(delta);
    } else {
      step.sample = static_cast<float>(1 + delta * sigma / (sigma * sigma + 1));
      step.output = static_cast<float>(delta / root);
    }
  }
  bool leading =
      config.spacing.value_or(Spacing::kLinspace) == Spacing::kLeading;
  plan.initialScale =
      static_cast<float>(leading ? std::sqrt(highest * highest + 1) : highest);
  return plan;
}

} // namespace

Plan eulerPlan(const Config& config, const NoiseLevels& levels, int steps) {
  Levels visit = visited(config, levels, steps);
  if (config.karras) {
    visit.sigmas =
        karrasSigmas(visit.sigmas.front(), visit.sigmas.back(), steps);
    for (size_t i = 0; i < visit.sigmas.size(); ++i)
      visit.timesteps[i] = levels.stepOf(visit.sigmas[i]);
  }
  std::vector<double> targets;
  for (size_t i = 1; i < visit.sigmas.size(); ++i)
    targets.push_back(static_cast<float>(visit.sigmas[i]));
  targets.push_back(config.finalSigmaZero ? 0 : levels.sigma(0));
  return makeRows(config, visit, targets);
}

// The step to the level s' is split: to s_down by Euler, and back up by fresh
// noise of s_up, with s_down^2 + s_up^2 = s'^2.
Plan eulerAncestralPlan(const Config& config, const NoiseLevels& levels,
                        int steps) {
  Levels visit = visited(config, levels, steps);
  std::vector<double> downs, ups;
  for (size_t i = 0; i < visit.sigmas.size(); ++i) {
    double from = visit.sigmas[i];
    double to = i + 1 < visit.sigmas.size() ? visit.sigmas[i + 1] : 0;
    double up2 = to * to * std::max(from * from - to * to, 0.0) / (from * from);
    ups.push_back(std::sqrt(up2));
    downs.push_back(std::sqrt(std::max(to * to - up2, 0.0)));
  }
  Plan plan = makeRows(config, visit, downs);
  plan.drawsNoise = true;
  for (size_t i = 0; i < ups.size(); ++i)
    plan.steps[i].noise = static_cast<float>(ups[i]);
  return plan;
}

} // namespace burin::schedule
