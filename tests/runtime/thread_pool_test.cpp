// SPDX-License-Identifier: Apache-2.0
// Parallel loops cover their range exactly once, however often and however
// many threads there are.
#include "runtime/device/cpu/thread_pool.h"

#include <algorithm>
#include <chrono>
#include <numeric>

#include <gtest/gtest.h>

namespace burin {
namespace {

TEST(ThreadPool, CoversEachItemOnce) {
  for (int threads : {1, 2, 3, 8, 33}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    for (int64_t items : {0, 1, 2, 3, 17, 100, 4096}) {
      std::vector<std::atomic<int>> seen(items);
      pool.parallelFor(items, [&](int thread, int64_t begin, int64_t end) {
        EXPECT_LT(begin, end);
        EXPECT_GE(thread, 0);
        EXPECT_LT(thread, threads);
        for (int64_t i = begin; i < end; ++i)
          seen[i].fetch_add(1, std::memory_order_relaxed);
      });
      for (int64_t i = 0; i < items; ++i)
        ASSERT_EQ(seen[i].load(), 1)
            << "item " << i << " of " << items << ", " << threads;
    }
  }
}

// Plain memory, so that a missing barrier between loops shows as a wrong sum
// (and as a race under ThreadSanitizer).
TEST(ThreadPool, LoopsSeeEachOthersWrites) {
  ThreadPool pool(4);
  std::vector<int64_t> a(257), b(257);
  for (int64_t loop = 0; loop < 20000; ++loop) {
    pool.parallelFor(257, [&](int, int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        b[i] = a[(i + 1) % 257] + 1;
    });
    std::swap(a, b);
  }
  EXPECT_EQ(std::accumulate(a.begin(), a.end(), int64_t{0}), 257 * 20000);
}

TEST(ThreadPool, SleepersWake) {
  ThreadPool pool(3);
  for (int round = 0; round < 20; ++round) {
    std::this_thread::sleep_for(
        std::chrono::microseconds(2 * ThreadPool::kSpinMicroseconds));
    // Items that take long enough for a sleeper to come and help.
    std::atomic<int> done{0};
    pool.parallelFor(6, [&](int, int64_t begin, int64_t end) {
      std::this_thread::sleep_for(std::chrono::milliseconds(end - begin));
      done += static_cast<int>(end - begin);
    });
    EXPECT_EQ(done.load(), 6);
  }
}

TEST(ThreadPool, WorkersHelpWithUnevenItems) {
  ThreadPool pool(4);
  std::atomic<int> first{0};
  std::vector<int> thread(64, -1);
  // All the weight lies in the first quarter, which is the caller's own part.
  pool.parallelFor(64, [&](int worker, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      thread[i] = worker;
      if (i < 16)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    first += worker != 0 && begin < 16;
  });
  EXPECT_EQ(std::ranges::count(thread, -1), 0);
  EXPECT_GT(first.load(), 0);
}

TEST(ThreadPool, StartsAndEndsIdle) {
  for (int i = 0; i < 50; ++i)
    ThreadPool pool(1 + i % 5);
}

} // namespace
} // namespace burin
