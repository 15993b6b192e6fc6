// SPDX-License-Identifier: Apache-2.0
// Samplers: from noise to a picture in a few evaluations of the network.
//
// Each sampler here is a linear multistep method, so it is data: one row of
// coefficients a network evaluation, computed in advance. With x the sample,
// m the network's output and n fresh noise, a step is
//   p  = clip(a x + b m)                   the prediction
//   x' = c x + d m + sum_k h_k p_k + e n   p_k: the k-th latest remembered p
// One step serves every row; a new sampler is a new function that makes rows.
#pragma once

#include <array>
#include <limits>
#include <span>
#include <vector>

#include "models/schedule/coefficients.h"
#include "models/schedule/config.h"
#include "runtime/base/status.h"

namespace burin::schedule {

struct Step {
  float timestep = 0;   // what the network is told
  float inputScale = 1; // the network reads x times this
  float predictionSample = 0;
  float predictionOutput = 1;
  float clip = std::numeric_limits<float>::infinity();
  bool remembered = true; // p counts as p_0 from this step on
  bool fromFirst = false; // x is the sample that step 0 began with
  float sample = 1;
  float output = 0;
  std::array<float, kHistory> history{};
  float noise = 0;
};

struct Plan {
  std::vector<Step> steps;
  float initialScale = 1;  // the first sample is standard noise times this
  bool drawsNoise = false; // every step consumes noise, even at weight 0
};

struct SamplerOptions {
  std::optional<SamplerKind> kind = {}; // of the configuration where not given
  int steps = 20;
  double eta = 0; // DDIM: 0 is deterministic, 1 is as noisy as DDPM
};

// The rows for a configuration. PNDM has one step more than asked for.
Result<Plan> makePlan(const Config& config, const SamplerOptions& options);

// Puts a step into column `edit` of a table of coefficients (coefficients.h),
// `weights` being those of the guidance branches.
void writeCoefficients(const Step& step, std::span<const float> weights,
                       size_t edit, size_t edits, std::span<float> table);

// Runs a plan on a sample of fixed size, in plain loops: what compiled steps
// (models/graph/diffusion/edit.h) must equal. Not for several threads at once.
class Sampler {
public:
  Sampler(Plan plan, size_t elements);

  std::span<const Step> steps() const { return plan_.steps; }
  bool drawsNoise() const { return plan_.drawsNoise; }
  // Turns standard noise into the first sample, in place.
  void scaleInitial(std::span<float> noise) const;
  // What the network reads at step i.
  void scaleInput(size_t i, std::span<const float> sample,
                  std::span<float> input) const;
  // Advances `sample`. Steps come in order from 0, which starts afresh.
  // `noise` may be empty where drawsNoise() is false.
  void step(size_t i, std::span<const float> output, std::span<float> sample,
            std::span<const float> noise);

private:
  Plan plan_;
  std::vector<float> first_; // the sample of step 0, where a step needs it
  std::vector<std::vector<float>> history_; // latest first
};

} // namespace burin::schedule
