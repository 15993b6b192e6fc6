// SPDX-License-Identifier: Apache-2.0
// See team.h. Workers sleep between runs (atomic wait), so that an idle team
// does not disturb what is timed beside it.
#include "bench/support/team.h"

#include <algorithm>

namespace burin::bench {

Team::Team(int threads) {
  for (int i = 1; i < threads; ++i)
    workers_.emplace_back([this, i] { loop(i); });
}

Team::~Team() {
  stop_ = true;
  ++turn_;
  turn_.notify_all();
  for (std::thread& worker : workers_)
    worker.join();
}

void Team::run(int64_t items, const Work& work) {
  work_ = &work;
  items_ = items;
  stretch_ = std::max<int64_t>(1, items / (8 * size()));
  next_ = 0;
  busy_ = static_cast<int>(workers_.size());
  ++turn_;
  turn_.notify_all();
  share(0);
  for (int left; (left = busy_) != 0;)
    busy_.wait(left);
}

void Team::share(int thread) {
  for (int64_t begin; (begin = next_.fetch_add(stretch_)) < items_;)
    (*work_)(thread, begin, std::min(items_, begin + stretch_));
}

void Team::loop(int thread) {
  for (uint64_t seen = 0;;) {
    turn_.wait(seen);
    ++seen;
    if (stop_)
      return;
    share(thread);
    if (--busy_ == 0)
      busy_.notify_one();
  }
}

} // namespace burin::bench
