// SPDX-License-Identifier: Apache-2.0
// The states of a training on disk: the newest few, and the one to go on from.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "models/train/learner.h"

namespace burin::train {

// What a state says beside its tensors.
struct StatePoint {
  int64_t step = 0;    // steps that are done
  std::string remarks; // of the loop, to be given back
};

class States {
public:
  // `run` tells the trainings apart whose states do not fit each other.
  States(std::string folder, std::string run, int keep)
      : folder_(std::move(folder)), run_(std::move(run)), keep_(keep) {}

  // Restores the newest state that is whole and of this run; step 0 where
  // there is none. `note` hears of each file that is passed over, and why.
  Result<StatePoint>
  restore(Learner& learner,
          const std::function<void(const std::string&)>& note) const;

  // Restores the state of that step.
  Result<StatePoint> restore(Learner& learner, int64_t step) const;

  // Writes a state, and removes the oldest of this run beyond `keep` when it
  // is complete.
  Status save(Learner& learner, const StatePoint& point) const;

  // "<folder>/state-0000001000.burin".
  std::string path(int64_t step) const;

private:
  // Those in the folder by their names, newest first.
  std::vector<int64_t> steps() const;
  // An error unless the file is of this run.
  Status checkRun(const std::string& path) const;

  std::string folder_, run_;
  int keep_;
};

} // namespace burin::train
