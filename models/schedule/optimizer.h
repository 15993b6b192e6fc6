// SPDX-License-Identifier: Apache-2.0
// What an optimizer's step is told and tells, as tensors of a compiled step,
// so that no rate, no decay and no step count is compiled in.
//
// The step is AdamW's with decoupled decay, after the gradient's norm over all
// parameters was clipped, followed by a moving average of the parameters. The
// gradient and its loss may come as sums over equal parts of a batch:
//
//   g <- g / parts
//   g <- g min(1, maxGradientNorm / (|g| + 1e-6))
//   m <- m + (1 - beta1) (g - m),  v <- beta2 v + (1 - beta2) g g
//   p <- (1 - learningRate weightDecay) p
//        - learningRate / (1 - beta1^t) m
//          / (sqrt(v) / sqrt(1 - beta2^t) + epsilon)
//   a <- a + (1 - averageDecay) (p - a)
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>

namespace burin::schedule {

struct HyperParameters {
  double learningRate = 1e-4;
  double weightDecay = 0.01;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double maxGradientNorm = 1; // 0: gradients are not clipped
  double averageDecay = 0.9999;
};

// The elements of the tensor `hyper`. Complements of the decays are elements
// of their own: 1 - 0.999 has lost four digits in float32.
enum HyperElement : int64_t {
  kDecayFactor,  // 1 - learningRate weightDecay
  kStepSize,     // learningRate / (1 - beta1^t)
  kFirstRate,    // 1 - beta1
  kSecondDecay,  // beta2
  kSecondRate,   // 1 - beta2
  kSecondScale,  // sqrt(1 - beta2^t)
  kEpsilon,      //
  kLargestNorm,  // of the gradient; infinity where it is not clipped
  kAverageRate,  // 1 - averageDecay
  kPartShare,    // 1 / parts
  kHyperElements // how many there are
};

// The elements of the tensor `report`.
enum ReportElement : int64_t {
  kLoss,
  kGradientNorm,  // before clipping
  kFinite,        // 1, or 0 where the norm is not finite
  kReportElements // how many there are
};

// Added to the norm before it divides, as in PyTorch.
inline constexpr double kNormEpsilon = 1e-6;

// For update `t`, counted from 1, from sums over `parts`.
inline std::array<float, kHyperElements>
hyperTensor(const HyperParameters& h, int64_t t, int64_t parts = 1) {
  auto step = static_cast<double>(t);
  std::array<double, kHyperElements> exact = {};
  exact[kDecayFactor] = 1 - h.learningRate * h.weightDecay;
  exact[kStepSize] = h.learningRate / (1 - std::pow(h.beta1, step));
  exact[kFirstRate] = 1 - h.beta1;
  exact[kSecondDecay] = h.beta2;
  exact[kSecondRate] = 1 - h.beta2;
  exact[kSecondScale] = std::sqrt(1 - std::pow(h.beta2, step));
  exact[kEpsilon] = h.epsilon;
  exact[kLargestNorm] = h.maxGradientNorm > 0
                            ? h.maxGradientNorm
                            : std::numeric_limits<double>::infinity();
  exact[kAverageRate] = 1 - h.averageDecay;
  exact[kPartShare] = 1 / static_cast<double>(parts);
  std::array<float, kHyperElements> rounded;
  for (size_t i = 0; i < rounded.size(); ++i)
    rounded[i] = static_cast<float>(exact[i]);
  return rounded;
}

} // namespace burin::schedule
