// SPDX-License-Identifier: Apache-2.0
// A checkpoint's scheduler configuration, in the terms of diffusers' JSON.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "runtime/base/status.h"

namespace burin::schedule {

enum class SamplerKind { kDdim, kEuler, kEulerAncestral, kDpmSolver, kPndm };
// "ddim", "euler", "euler-ancestral", "dpm++2m", "pndm".
std::string_view name(SamplerKind kind);
std::optional<SamplerKind> samplerFromName(std::string_view name);
// All of them, for messages and help: "ddim, euler, ...".
std::string samplerNames();

enum class Betas { kLinear, kScaledLinear, kSquaredCosine };
enum class Spacing { kLeading, kLinspace, kTrailing };
enum class Prediction { kEpsilon, kVelocity };

// What the JSON leaves out has the default of the sampler that is used, which
// need not be the one that the JSON names; such members are optional.
struct Config {
  SamplerKind kind = SamplerKind::kPndm;
  int trainSteps = 1000;
  Betas betas = Betas::kLinear;
  double betaStart = 0.0001;
  double betaEnd = 0.02;
  Prediction prediction = Prediction::kEpsilon;
  std::optional<Spacing> spacing; // DDIM, PNDM: leading; others: linspace
  int stepsOffset = 0;
  std::optional<bool> alphaToOne; // DDIM: true; PNDM: false
  bool clipSample = true;         // DDIM only
  double clipRange = 1;
  bool rungeKutta = false;     // PNDM that begins so, which Burin lacks
  bool karras = false;         // Euler and DPM-Solver++
  bool finalSigmaZero = true;  // likewise
  bool lowerOrderFinal = true; // DPM-Solver++ only, below 15 steps
  bool eulerAtFinal = false;   // DPM-Solver++ only
  double lambdaMinClipped = -1e300;
};

// Fails on a value it does not know and on a feature it lacks: a setting is
// never ignored where it would change the picture.
Result<Config> parseConfig(std::string_view json);

} // namespace burin::schedule
