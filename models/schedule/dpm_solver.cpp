// SPDX-License-Identifier: Apache-2.0
// DPM-Solver++(2M): an exponential integrator over lambda = log(alpha/sigma)
// that extrapolates the prediction of x0 from the last two.
#include <algorithm>
#include <cmath>
#include <limits>

#include "models/schedule/plans.h"

namespace burin::schedule {
namespace {

// The variance-preserving form of a noise level s: alpha = 1 / sqrt(s^2 + 1),
// sigma = s alpha, hence lambda = -log s.
struct Level {
  explicit Level(double s)
      : alpha(1 / std::sqrt(s * s + 1)), sigma(s * alpha),
        lambda(s > 0 ? -std::log(s) : std::numeric_limits<double>::infinity()) {
  }
  double alpha, sigma, lambda;
};

// Steps that are noisier than lambda_min_clipped are not visited.
int lastStep(const Config& config, const NoiseLevels& levels) {
  int last = levels.count();
  while (last > 1 &&
         -std::log(levels.sigma(last - 1)) < config.lambdaMinClipped)
    --last;
  return last;
}

std::vector<double> visitedSteps(const Config& config,
                                 const NoiseLevels& levels, int steps) {
  int last = lastStep(config, levels);
  std::vector<double> values;
  switch (config.spacing.value_or(Spacing::kLinspace)) {
  case Spacing::kLinspace: // one more than asked for; step 0 is not visited
    values = spacedSteps(Spacing::kLinspace, last, steps + 1, 0, true);
    values.pop_back();
    break;
  case Spacing::kLeading:
    for (int i = steps; i > 0; --i)
      values.push_back(i * (last / (steps + 1)) + config.stepsOffset);
    break;
  case Spacing::kTrailing:
    for (double value : descending(
             last, static_cast<double>(config.trainSteps) / steps, steps))
      if (value > 0)
        values.push_back(std::nearbyint(value) - 1);
    break;
  }
  return values;
}

} // namespace

Plan dpmSolverPlan(const Config& config, const NoiseLevels& levels, int steps) {
  std::vector<double> timesteps = visitedSteps(config, levels, steps);
  std::vector<double> sigmas;
  if (config.karras) {
    sigmas =
        karrasSigmas(levels.sigma(levels.count() - 1), levels.sigma(0), steps);
    timesteps.clear();
    for (double sigma : sigmas) {
      double step = levels.stepOf(sigma);
      bool cosine = config.betas == Betas::kSquaredCosine;
      timesteps.push_back(cosine ? std::floor(step) : std::nearbyint(step));
    }
  } else {
    for (double timestep : timesteps)
      sigmas.push_back(levels.sigmaAt(timestep));
  }
  sigmas.push_back(config.finalSigmaZero ? 0 : levels.sigma(0));

  Plan plan;
  auto count = timesteps.size();
  for (size_t i = 0; i < count; ++i) {
    Level now(static_cast<float>(sigmas[i]));
    Level next(static_cast<float>(sigmas[i + 1]));
    Step& step = plan.steps.emplace_back();
    step.timestep = static_cast<float>(timesteps[i]);
    if (config.prediction == Prediction::kEpsilon) {
      step.predictionSample = static_cast<float>(1 / now.alpha);
      step.predictionOutput = static_cast<float>(-now.sigma / now.alpha);
    } else {
      step.predictionSample = static_cast<float>(now.alpha);
      step.predictionOutput = static_cast<float>(-now.sigma);
    }
    // x' = (sigma'/sigma) x + g (p_0 + (p_0 - p_1) / (2 r)),
    // g = alpha' (1 - e^-h), r = h_before / h
    double h = next.lambda - now.lambda;
    double gain = -next.alpha * std::expm1(-h);
    bool first = i == 0 || (i + 1 == count &&
                            (config.eulerAtFinal || config.finalSigmaZero ||
                             (config.lowerOrderFinal && count < 15)));
    double slope = 0;
    if (!first) {
      Level before(static_cast<float>(sigmas[i - 1]));
      slope = gain * h / (2 * (now.lambda - before.lambda));
    }
    step.sample = static_cast<float>(next.sigma / now.sigma);
    step.history[0] = static_cast<float>(gain + slope);
    step.history[1] = static_cast<float>(-slope);
  }
  return plan;
}

} // namespace burin::schedule
