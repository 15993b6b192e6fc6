// SPDX-License-Identifier: Apache-2.0
// What the progress bar says.
#include "tools/burin/progress.h"

#include <gtest/gtest.h>

namespace burin::cli {
namespace {

TEST(Progress, shows_part_time_each_and_time_left) {
  EXPECT_EQ(progressText(0, 4, 0, 8), "[--------] 0/4");
  EXPECT_EQ(progressText(1, 4, 0.5, 8),
            "[==------] 1/4, 500 ms each, 1.5 s left");
  EXPECT_EQ(progressText(3, 4, 6, 8), "[======--] 3/4, 2 s each, 2 s left");
  EXPECT_EQ(progressText(4, 4, 8, 8), "[========] 4/4, 2 s each");
}

TEST(Progress, long_work_counts_in_minutes) {
  EXPECT_EQ(progressText(10, 100, 100, 10),
            "[=---------] 10/100, 10 s each, 15 min 00 s left");
}

} // namespace
} // namespace burin::cli
