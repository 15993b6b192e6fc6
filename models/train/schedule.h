// SPDX-License-Identifier: Apache-2.0
// What changes from step to step: the learning rate and the average's decay.
#pragma once

#include "models/schedule/optimizer.h"
#include "models/train/config.h"

namespace burin::train {

// With w steps of warm-up, n in all and x = (step - w) / (n - w), the rate is
//   peak (step + 1) / (w + 1)                        before step w,
//   peak                                             constant,
//   last + (peak - last) (1 - x)                     linear,
//   last + (peak - last) (1 + cos(pi x)) / 2         cosine.
double rateAt(const RateConfig& rate, int64_t steps, int64_t step);

// min(decay, (1 + step) / (10 + step)): an average over few steps must not
// cling to where they began.
double averageDecayAt(double decay, int64_t step);

schedule::HyperParameters hyperParametersAt(const TrainConfig& config,
                                            int64_t step);

} // namespace burin::train
