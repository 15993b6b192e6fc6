// SPDX-License-Identifier: Apache-2.0
// The network of a checkpoint, compiled for training.
#pragma once

#include <memory>

#include "models/train/learner.h"

namespace burin::train {

// `collective` where several processes learn together, on that device.
Result<std::unique_ptr<Learner>>
openLearner(Checkpoint model, const pipeline::TrainOptions& options,
            std::shared_ptr<Device> device,
            std::shared_ptr<Collective> collective);

} // namespace burin::train
