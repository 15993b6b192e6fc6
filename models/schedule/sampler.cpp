// SPDX-License-Identifier: Apache-2.0
// Rows of every sampler, as a tensor and as a loop.
#include "models/schedule/sampler.h"

#include <algorithm>

#include "models/schedule/plans.h"

namespace burin::schedule {

Result<Plan> makePlan(const Config& config, const SamplerOptions& options) {
  if (options.steps < 1 || options.steps > config.trainSteps)
    return invalidArgument(
        "the number of steps is " + std::to_string(options.steps) +
        "; it must be from 1 to " + std::to_string(config.trainSteps) +
        ", as many as the model was trained with");
  if (!(options.eta >= 0 && options.eta <= 1))
    return invalidArgument("eta is " + std::to_string(options.eta) +
                           "; it must be from 0 to 1");
  if (config.rungeKutta && !options.kind)
    return unimplemented(
        "the model's PNDM scheduler begins with Runge-Kutta steps, which "
        "Burin lacks; choose a sampler (" +
        samplerNames() +
        "), or set skip_prk_steps in the scheduler's "
        "configuration and convert the model again");
  NoiseLevels levels(config);
  Plan plan;
  switch (options.kind.value_or(config.kind)) {
  case SamplerKind::kDdim:
    plan = ddimPlan(config, levels, options.steps, options.eta);
    break;
  case SamplerKind::kEuler:
    plan = eulerPlan(config, levels, options.steps);
    break;
  case SamplerKind::kEulerAncestral:
    plan = eulerAncestralPlan(config, levels, options.steps);
    break;
  case SamplerKind::kDpmSolver:
    plan = dpmSolverPlan(config, levels, options.steps);
    break;
  case SamplerKind::kPndm:
    plan = pndmPlan(config, levels, options.steps);
    break;
  }
  for (const Step& step : plan.steps)
    if (step.timestep < 0 ||
        step.timestep > static_cast<float>(levels.count() - 1))
      return invalidArgument(
          "with " + std::to_string(options.steps) +
          " steps and the scheduler's steps_offset of " +
          std::to_string(config.stepsOffset) + " a timestep is " +
          std::to_string(step.timestep) + ", beyond the " +
          std::to_string(levels.count()) +
          " that the model was trained with; take fewer steps");
  return plan;
}

void writeCoefficients(const Step& step, std::span<const float> weights,
                       size_t edit, size_t edits, std::span<float> table) {
  auto at = [&](int64_t row) -> float& {
    return table[static_cast<size_t>(row) * edits + edit];
  };
  at(kInputScaleRow) = step.inputScale;
  at(kPredictionSampleRow) = step.predictionSample;
  at(kPredictionOutputRow) = step.predictionOutput;
  at(kLowestRow) = -step.clip;
  at(kHighestRow) = step.clip;
  at(kRememberedRow) = step.remembered ? 1.0f : 0.0f;
  at(kForgottenRow) = step.remembered ? 0.0f : 1.0f;
  at(kFromFirstRow) = step.fromFirst ? 1.0f : 0.0f;
  at(kFromSampleRow) = step.fromFirst ? 0.0f : 1.0f;
  at(kSampleRow) = step.sample;
  at(kOutputRow) = step.output;
  at(kNoiseRow) = step.noise;
  for (size_t k = 0; k < kHistory; ++k)
    at(kHistoryRow + static_cast<int64_t>(k)) = step.history[k];
  auto branches = static_cast<int64_t>(weights.size());
  for (int64_t b = 0; b < branches; ++b) {
    at(kWeightRow + b) = weights[static_cast<size_t>(b)];
    at(timestepRow(branches) + b) = step.timestep;
  }
}

Sampler::Sampler(Plan plan, size_t elements) : plan_(std::move(plan)) {
  size_t depth = 0;
  bool needsFirst = false;
  for (const Step& step : plan_.steps) {
    needsFirst |= step.fromFirst;
    for (size_t k = 0; k < kHistory; ++k)
      if (step.history[k] != 0)
        depth = std::max(depth, k + 1);
  }
  if (needsFirst)
    first_.resize(elements);
  history_.assign(depth, std::vector<float>(elements));
}

void Sampler::scaleInitial(std::span<float> noise) const {
  for (float& value : noise)
    value *= plan_.initialScale;
}

void Sampler::scaleInput(size_t i, std::span<const float> sample,
                         std::span<float> input) const {
  float scale = plan_.steps[i].inputScale;
  for (size_t j = 0; j < sample.size(); ++j)
    input[j] = sample[j] * scale;
}

void Sampler::step(size_t i, std::span<const float> output,
                   std::span<float> sample, std::span<const float> noise) {
  const Step& step = plan_.steps[i];
  if (i == 0 && !first_.empty())
    std::copy(sample.begin(), sample.end(), first_.begin());
  if (step.fromFirst)
    std::copy(first_.begin(), first_.end(), sample.begin());

  if (step.remembered && !history_.empty()) {
    std::rotate(history_.begin(), history_.end() - 1, history_.end());
    for (size_t j = 0; j < sample.size(); ++j)
      history_[0][j] = std::clamp(step.predictionSample * sample[j] +
                                      step.predictionOutput * output[j],
                                  -step.clip, step.clip);
  }
  for (size_t j = 0; j < sample.size(); ++j)
    sample[j] = step.sample * sample[j] + step.output * output[j];
  for (size_t k = 0; k < history_.size(); ++k)
    if (step.history[k] != 0)
      for (size_t j = 0; j < sample.size(); ++j)
        sample[j] += step.history[k] * history_[k][j];
  if (step.noise != 0)
    for (size_t j = 0; j < sample.size(); ++j)
      sample[j] += step.noise * noise[j];
}

} // namespace burin::schedule
