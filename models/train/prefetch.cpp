// SPDX-License-Identifier: Apache-2.0
// A ring of batches between one maker and one taker.
#include "models/train/prefetch.h"

#include <chrono>

namespace burin::train {

Prefetch::Prefetch(Batcher& batcher, int64_t first, int64_t last)
    : batcher_(batcher), first_(first), last_(last), made_(first),
      taken_(first), thread_([this] { run(); }) {}

Prefetch::~Prefetch() {
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Prefetch::run() {
  for (int64_t step = first_; step < last_; ++step) {
    std::unique_lock lock(mutex_);
    // The batch that the taker holds, that of step taken - 1, keeps its slot.
    changed_.wait(lock, [&] { return stopped_ || step + 1 < taken_ + kAhead; });
    if (stopped_)
      return;
    lock.unlock();
    batcher_.fill(step, slot(step));
    lock.lock();
    made_ = step + 1;
    changed_.notify_all();
  }
}

const Batch& Prefetch::next() {
  using Clock = std::chrono::steady_clock;
  Clock::time_point start = Clock::now();
  std::unique_lock lock(mutex_);
  int64_t step = taken_++;
  changed_.notify_all();
  changed_.wait(lock, [&] { return made_ > step; });
  waited_ += std::chrono::duration<double>(Clock::now() - start).count();
  return slot(step);
}

} // namespace burin::train
