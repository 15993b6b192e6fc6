// SPDX-License-Identifier: Apache-2.0
// A fixed team of threads that shares ranges of work items, as the runtime's
// pool does, for timing kernels alone.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace burin::bench {

class Team {
public:
  explicit Team(int threads);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  int size() const { return static_cast<int>(workers_.size()) + 1; }
  // Calls work(thread, begin, end) over [0, items) in stretches; returns when
  // all are done. The caller is thread 0.
  using Work = std::function<void(int thread, int64_t begin, int64_t end)>;
  void run(int64_t items, const Work& work);

private:
  void loop(int thread);
  void share(int thread);

  std::vector<std::thread> workers_;
  const Work* work_ = nullptr;
  int64_t items_ = 0, stretch_ = 1;
  std::atomic<int64_t> next_ = 0;
  std::atomic<uint64_t> turn_ = 0;
  std::atomic<int> busy_ = 0;
  std::atomic<bool> stop_ = false;
};

} // namespace burin::bench
