// SPDX-License-Identifier: Apache-2.0
// Offsets in the arena: never shared while alive, close to the least possible.
#include "compiler/plan/arena.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace burin {
namespace {

// The most bytes alive at once: no plan is smaller.
int64_t peak(const std::vector<ArenaBuffer>& buffers, int64_t steps) {
  int64_t most = 0;
  for (int64_t step = 0; step < steps; ++step) {
    int64_t live = 0;
    for (const ArenaBuffer& buffer : buffers)
      if (buffer.first <= step && step <= buffer.last)
        live += buffer.bytes;
    most = std::max(most, live);
  }
  return most;
}

TEST(Arena, ReusesWhatIsDead) {
  std::vector<ArenaBuffer> buffers = {
      {1024, 0, 1}, {1024, 1, 2}, {1024, 2, 3}, {1024, 3, 4}};
  EXPECT_EQ(planArena(buffers), 2048);
  EXPECT_EQ(findOverlap(buffers), "");
}

TEST(Arena, TakesTheSmallestGapThatFits) {
  // Two long-lived buffers leave gaps of 4096 and 1024 bytes at step 1.
  std::vector<ArenaBuffer> buffers = {{8192, 0, 2}, {4096, 0, 0}, {2048, 0, 2},
                                      {1024, 0, 0}, {512, 0, 2},  {1024, 1, 1}};
  EXPECT_EQ(planArena(buffers), peak(buffers, 3));
  EXPECT_EQ(findOverlap(buffers), "");
}

TEST(Arena, RandomLifetimes) {
  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    std::vector<ArenaBuffer> buffers(200);
    for (ArenaBuffer& buffer : buffers) {
      buffer.bytes = random() % 5000;
      buffer.first = random() % 100;
      buffer.last = std::min<int64_t>(99, buffer.first + random() % 10);
    }
    int64_t bytes = planArena(buffers);
    ASSERT_EQ(findOverlap(buffers), "");
    EXPECT_LE(bytes, peak(buffers, 100) * 3 / 2);
    for (const ArenaBuffer& buffer : buffers) {
      ASSERT_EQ(buffer.offset % kArenaAlignment, 0);
      ASSERT_LE(buffer.offset + buffer.bytes, bytes);
    }
  }
}

TEST(Arena, SharesBetweenTheDyingAndTheBorn) {
  std::vector<ArenaBuffer> buffers = {
      {1024, 0, 1}, {1024, 1, 2}, {1024, 2, 3}, {512, 3, 4}};
  auto owner = shareBuffers(buffers, {{0, 1}, {1, 2}, {2, 3}});
  EXPECT_EQ(owner, (std::vector<size_t>{0, 0, 0, 3}));
  EXPECT_EQ(buffers[0].last, 3);
  EXPECT_EQ(planArena(buffers), 1536);
  EXPECT_EQ(findOverlap(buffers), "");
}

TEST(Arena, DoesNotShareWhatIsStillRead) {
  std::vector<ArenaBuffer> buffers = {{1024, 0, 2}, {1024, 1, 2}};
  EXPECT_EQ(shareBuffers(buffers, {{0, 1}}), (std::vector<size_t>{0, 1}));
}

TEST(Arena, FindsOverlaps) {
  EXPECT_NE(findOverlap({{100, 0, 2, 0}, {100, 2, 3, 64}}), "");
  EXPECT_NE(findOverlap({{100, 0, 9, 0}, {10, 4, 5, 64}}), "");
  EXPECT_NE(findOverlap({{10, 4, 5, 64}, {100, 0, 9, 0}}), "");
  EXPECT_NE(findOverlap({{64, 1, 1, 128}, {64, 1, 1, 128}}), "");
  // In one step, but apart; in one place, but not at one time.
  EXPECT_EQ(findOverlap({{100, 0, 2, 0}, {100, 2, 3, 128}}), "");
  EXPECT_EQ(findOverlap({{100, 0, 1, 0}, {100, 2, 3, 0}}), "");
}

} // namespace
} // namespace burin
