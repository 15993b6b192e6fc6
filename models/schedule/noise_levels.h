// SPDX-License-Identifier: Apache-2.0
// How noisy each training step is, and which of them a sampler visits.
//
// At step t a sample is sqrt(abar_t) x0 + sqrt(1 - abar_t) noise, with
// abar_t the product of 1 - beta_s over s <= t. In other terms the noise
// level is sigma_t = sqrt((1 - abar_t) / abar_t).
//
// The tables hold float32 values, rounded where PyTorch rounds them.
#pragma once

#include <vector>

#include "models/schedule/config.h"

namespace burin::schedule {

class NoiseLevels {
public:
  explicit NoiseLevels(const Config& config);

  int count() const { return static_cast<int>(alphaBar_.size()); }
  // Precondition: 0 <= t < count().
  double alphaBar(int t) const { return alphaBar_[static_cast<size_t>(t)]; }
  double sigma(int t) const { return sigma_[static_cast<size_t>(t)]; }
  // Linear between the steps, constant beyond the ends.
  double sigmaAt(double t) const;
  // The step, in fractions, whose sigma is given: log sigma taken as linear
  // between the steps.
  double stepOf(double sigma) const;

private:
  std::vector<float> alphaBar_;
  std::vector<float> sigma_;
  std::vector<float> logSigma_;
};

// `steps` training steps in descending order, as floating-point numbers.
// linspace is rounded to whole steps where `whole` says so.
std::vector<double> spacedSteps(Spacing spacing, int trainSteps, int steps,
                                int offset, bool whole);

// numpy.linspace: `count` numbers from `first` to `last`.
std::vector<double> linspace(double first, double last, int count);
// numpy.arange(first, 0, -stride) without its occasional superfluous element.
std::vector<double> descending(double first, double stride, int count);

// The levels of Karras et al. 2022 (equation 5, rho = 7).
std::vector<double> karrasSigmas(double highest, double lowest, int count);

} // namespace burin::schedule
