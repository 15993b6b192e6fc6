// SPDX-License-Identifier: Apache-2.0
// Makes batches on a thread of its own, ahead of the device.
#pragma once

#include <array>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "models/train/batch.h"

namespace burin::train {

// The batches of steps [first, last), in order. `batcher` must outlive it and
// is used by nobody else meanwhile.
class Prefetch {
public:
  Prefetch(Batcher& batcher, int64_t first, int64_t last);
  Prefetch(const Prefetch&) = delete;
  Prefetch& operator=(const Prefetch&) = delete;
  ~Prefetch(); // stops after the batch in work

  // The next one, valid until the call after. Precondition: there is one.
  const Batch& next();
  // Seconds that next() has waited.
  double waited() const { return waited_; }

private:
  static constexpr int64_t kAhead = 3; // batches in memory

  void run();
  Batch& slot(int64_t step) {
    return slots_[static_cast<size_t>((step - first_) % kAhead)];
  }

  Batcher& batcher_;
  const int64_t first_, last_;
  std::array<Batch, kAhead> slots_;
  double waited_ = 0;
  std::mutex mutex_; // guards what follows
  std::condition_variable changed_;
  int64_t made_;  // the step after the last that is made
  int64_t taken_; // the step after the last that was asked for
  bool stopped_ = false;
  std::thread thread_; // the last member: it uses the others
};

} // namespace burin::train
