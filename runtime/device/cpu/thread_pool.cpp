// SPDX-License-Identifier: Apache-2.0
// A lock-free parallel loop over per-thread parts with helping.
#include "runtime/device/cpu/thread_pool.h"

#include <immintrin.h>

#include <algorithm>
#include <chrono>

namespace burin {

ThreadPool::ThreadPool(int threads)
    : threads_(std::max(1, threads)), parts_(new Part[threads_]) {
  workers_.reserve(threads_ - 1);
  for (int thread = 1; thread < threads_; ++thread)
    workers_.emplace_back([this, thread] { workerLoop(thread); });
}

ThreadPool::~ThreadPool() {
  stop_.store(true);
  state_.fetch_add(kOneLoop);
  state_.notify_all();
  for (std::thread& worker : workers_)
    worker.join();
}

void ThreadPool::parallelFor(int64_t items, Body body, const void* context) {
  if (items <= 0)
    return;
  if (items == 1 || threads_ == 1) {
    body(context, 0, 0, items);
    return;
  }
  body_ = body;
  context_ = context;
  int64_t share = items / threads_, rest = items % threads_, begin = 0;
  for (int thread = 0; thread < threads_; ++thread) {
    int64_t end = begin + share + (thread < rest ? 1 : 0);
    parts_[thread].next.store(begin, std::memory_order_relaxed);
    parts_[thread].end = end;
    begin = end;
  }
  // Sequentially consistent against the worker that announces its sleep: one
  // of the two sees the other.
  state_.store((state_.load(std::memory_order_relaxed) & ~kInsideMask) +
               kOneLoop + kOpen);
  if (sleepers_.load() > 0)
    state_.notify_all();

  work(0);

  uint32_t state = state_.fetch_sub(kOpen, std::memory_order_acq_rel) - kOpen;
  for (int spins = 0; (state & kInsideMask) != 0; ++spins) {
    // A worker inside may have lost its processor: let it have this one.
    if (spins % 1024 == 1023)
      std::this_thread::yield();
    else
      _mm_pause();
    state = state_.load(std::memory_order_acquire);
  }
}

bool ThreadPool::join() {
  uint32_t state = state_.load(std::memory_order_acquire);
  while (state & kOpen)
    if (state_.compare_exchange_weak(state, state + kOneInside,
                                     std::memory_order_acq_rel,
                                     std::memory_order_acquire))
      return true;
  return false;
}

void ThreadPool::leave() {
  state_.fetch_sub(kOneInside, std::memory_order_release);
}

void ThreadPool::work(int thread) {
  for (int i = 0; i < threads_; ++i) {
    Part& part = parts_[(thread + i) % threads_];
    for (;;) {
      // Large pieces first, single items at the end: few claims, good balance.
      int64_t next = part.next.load(std::memory_order_relaxed);
      if (next >= part.end)
        break;
      int64_t piece = std::max<int64_t>(1, (part.end - next) / 4);
      int64_t begin = part.next.fetch_add(piece, std::memory_order_relaxed);
      if (begin >= part.end)
        break;
      body_(context_, thread, begin, std::min(begin + piece, part.end));
    }
  }
}

void ThreadPool::workerLoop(int thread) {
  using Clock = std::chrono::steady_clock;
  constexpr auto kSpin = std::chrono::microseconds(kSpinMicroseconds);
  uint32_t finished = 0; // number of the loop in which nothing is left to do
  auto isNews = [&](uint32_t state) {
    return (state & kOpen) && state / kOneLoop != finished;
  };
  while (!stop_.load(std::memory_order_relaxed)) {
    if (isNews(state_.load(std::memory_order_relaxed)) && join()) {
      uint32_t loop = state_.load(std::memory_order_relaxed) / kOneLoop;
      work(thread);
      finished = loop;
      leave();
    }
    auto until = Clock::now() + kSpin;
    bool spinning = true;
    while (spinning && !isNews(state_.load(std::memory_order_relaxed))) {
      for (int i = 0; i < 32; ++i)
        _mm_pause();
      spinning = Clock::now() < until;
    }
    if (spinning)
      continue;
    sleepers_.fetch_add(1);
    for (uint32_t state = state_.load(); !isNews(state) && !stop_.load();
         state = state_.load())
      state_.wait(state);
    sleepers_.fetch_sub(1);
  }
}

} // namespace burin
