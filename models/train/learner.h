// SPDX-License-Identifier: Apache-2.0
// What the loop needs of a network in training.
#pragma once

#include <string>

#include "models/pipeline/train_session.h"

namespace burin::train {

// As the functions of TrainSession; a test has its own. Used by one thread at
// a time.
class Learner {
public:
  using Metadata = pipeline::TrainSession::Metadata;

  virtual ~Learner() = default;

  virtual Status step(const pipeline::TrainBatch& batch,
                      const schedule::HyperParameters& hyper,
                      pipeline::TrainReport& report) = 0;
  // Appears when it is complete; what was there before stays until then.
  virtual Status saveState(const std::string& path,
                           const Metadata& metadata) = 0;
  // The metadata that saveState was given. An error changes nothing.
  virtual Result<Metadata> restoreState(const std::string& path) = 0;
  // The average of the weights, as a checkpoint has them.
  virtual Result<pipeline::TrainedTensors> average() = 0;
};

} // namespace burin::train
