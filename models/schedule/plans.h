// SPDX-License-Identifier: Apache-2.0
// The samplers, each a function from noise levels to rows of coefficients.
// All follow diffusers' schedulers of the same names.
#pragma once

#include "models/schedule/noise_levels.h"
#include "models/schedule/sampler.h"

namespace burin::schedule {

// Song et al. 2020, "Denoising Diffusion Implicit Models".
Plan ddimPlan(const Config& config, const NoiseLevels& levels, int steps,
              double eta);
// Karras et al. 2022, algorithm 2 without churn and second order.
Plan eulerPlan(const Config& config, const NoiseLevels& levels, int steps);
// The same with part of each step's noise drawn afresh.
Plan eulerAncestralPlan(const Config& config, const NoiseLevels& levels,
                        int steps);
// Lu et al. 2022, "DPM-Solver++", second order, multistep.
Plan dpmSolverPlan(const Config& config, const NoiseLevels& levels, int steps);
// Liu et al. 2022, "Pseudo Numerical Methods for Diffusion Models on
// Manifolds", linear multistep from the start (no Runge-Kutta).
Plan pndmPlan(const Config& config, const NoiseLevels& levels, int steps);

} // namespace burin::schedule
