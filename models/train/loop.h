// SPDX-License-Identifier: Apache-2.0
// The steps of a training, with its states, logs and what it publishes.
#pragma once

#include <functional>
#include <string>

#include "models/train/batch.h"
#include "models/train/config.h"
#include "models/train/learner.h"
#include "models/train/log.h"
#include "models/train/states.h"

namespace burin::train {

struct TrainProgress {
  int64_t step = 0, steps = 0; // done, in all
  double loss = 0;             // a running mean
  double examplesPerSecond = 0;
  double secondsLeft = 0;
};

// What a training tells and asks. All but `stopped` may be empty.
struct TrainEvents {
  std::function<void(const std::string&)> stage; // what is done now
  std::function<void(const std::string&)> note;  // what one should know
  std::function<void(int64_t done, int64_t total)> encoding;
  std::function<void(const TrainProgress&)> progress;
  // Whether to save and end; asked after every step.
  std::function<bool()> stopped;
  // After something could not be written: whether to try again.
  std::function<bool(const Status&)> retry;
};

struct TrainSummary {
  int64_t first = 0, last = 0; // steps that were done before and are now
  double seconds = 0;          // in steps
  double waited = 0;           // of these, for data
  int64_t notFinite = 0;       // steps without an update
};

// What the loop works on; all of it outlives the loop.
struct LoopParts {
  const TrainConfig& config;
  Learner& learner;
  Batcher& batcher;
  const States& states;
  // Of the processes that learn together: each steps, and the first one alone
  // logs, saves, publishes and draws.
  ProcessGroup& group;
  // Writes the model from the averaged weights.
  std::function<Status()> publish;
  // Pictures that the published model makes; empty: none.
  std::function<Result<Image>()> sample;
};

// From the newest state to the last step. kCancelled when it, or any process,
// was asked to stop: then a state of the last step is saved. An error in one of
// several processes ends all of them.
Result<TrainSummary> runLoop(const LoopParts& parts, const TrainEvents& events);

} // namespace burin::train
