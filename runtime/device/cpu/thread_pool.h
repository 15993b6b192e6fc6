// SPDX-License-Identifier: Apache-2.0
// Shares a step's work items among threads within microseconds: a network has
// hundreds of steps, some shorter than a thread's wake-up.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

namespace burin {

// The calling thread works too. A worker that is late, because the system ran
// something else, is not waited for: the others take its share. Idle workers
// spin for kSpinMicroseconds, then sleep.
class ThreadPool {
public:
  static constexpr int kSpinMicroseconds = 200;

  // Body of a parallel loop: items [begin, end) on thread `thread`.
  using Body = void (*)(const void* context, int thread, int64_t begin,
                        int64_t end);

  // `threads` >= 1 counts the caller.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return threads_; }

  // Calls `body` on disjoint ranges that cover [0, items) and returns when all
  // have ended. One caller at a time; `body` must not call it and not throw.
  void parallelFor(int64_t items, Body body, const void* context);

  // The same for a callable (int thread, int64_t begin, int64_t end).
  template <typename Function>
  void parallelFor(int64_t items, const Function& function) {
    parallelFor(
        items,
        [](const void* context, int thread, int64_t begin, int64_t end) {
          (*static_cast<const Function*>(context))(thread, begin, end);
        },
        &function);
  }

private:
  // Each thread starts in its own part, so that consecutive loops over the
  // same rows find them in its cache, and then helps in the others'.
  struct alignas(64) Part {
    std::atomic<int64_t> next{0};
    int64_t end = 0;
  };

  void workerLoop(int thread);
  bool join();
  void leave();
  void work(int thread);

  // state_: bit 0 says that the loop is open to join, bits 1 to 15 count the
  // workers inside, the rest is the loop's number. The loop's fields below
  // change only while it is closed and empty.
  static constexpr uint32_t kOpen = 1;
  static constexpr uint32_t kOneInside = 2;
  static constexpr uint32_t kInsideMask = 0xfffe;
  static constexpr uint32_t kOneLoop = 0x10000;

  alignas(64) std::atomic<uint32_t> state_{0};
  std::atomic<int> sleepers_{0};
  std::atomic<bool> stop_{false};
  Body body_ = nullptr;
  const void* context_ = nullptr;

  int threads_;
  std::unique_ptr<Part[]> parts_;
  std::vector<std::thread> workers_;
};

} // namespace burin
