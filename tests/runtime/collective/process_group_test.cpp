// SPDX-License-Identifier: Apache-2.0
// Groups of processes: this program runs as several, which mpirun started, and
// as one.
#include "runtime/collective/process_group.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

namespace burin {
namespace {

// A process joins once.
class GroupTest : public testing::Test {
protected:
  static void SetUpTestSuite() {
    auto joined = joinProcesses();
    ASSERT_TRUE(joined.ok()) << joined.status().message();
    group_ = joined->release();
  }
  static void TearDownTestSuite() { delete group_; }
  void SetUp() override { ASSERT_TRUE(group_); }

  static inline ProcessGroup* group_ = nullptr;
};

// What process `rank` has: of sizes so different that every order of adding
// gives another sum.
std::vector<float> numbersOf(int rank, size_t count) {
  std::vector<float> numbers(count);
  for (size_t i = 0; i < count; ++i) {
    auto word = static_cast<uint32_t>((i * 3 + static_cast<size_t>(rank)) *
                                      uint32_t{2654435761});
    float magnitude = (i + static_cast<size_t>(rank)) % 3 == 0 ? 1e7f : 1.0f;
    numbers[i] = magnitude * (static_cast<float>(word >> 8) / (1 << 23) - 1);
  }
  return numbers;
}

TEST_F(GroupTest, sums_in_the_order_of_ranks) {
  // The last one takes several exchanges, and none of them is a multiple.
  for (size_t count : {0, 1, 2, 7, 1000, (3 << 20) + 5}) {
    std::vector<float> expected = numbersOf(0, count);
    for (int rank = 1; rank < group_->size(); ++rank) {
      std::vector<float> next = numbersOf(rank, count);
      for (size_t i = 0; i < count; ++i)
        expected[i] += next[i];
    }
    std::vector<float> values = numbersOf(group_->rank(), count);
    Status status = group_->sum(values);
    ASSERT_TRUE(status.ok()) << status.message();
    EXPECT_EQ(values, expected) << count; // none is NaN
  }
}

TEST_F(GroupTest, everyone_gets_what_one_process_has) {
  for (int root = 0; root < group_->size(); ++root) {
    std::vector<char> data(1001, static_cast<char>('a' + group_->rank()));
    ASSERT_TRUE(
        group_->broadcast(std::as_writable_bytes(std::span(data)), root).ok());
    EXPECT_EQ(data, std::vector<char>(1001, static_cast<char>('a' + root)));
  }
}

TEST_F(GroupTest, knows_its_processes) {
  std::vector<float> seen(static_cast<size_t>(group_->size()));
  seen[static_cast<size_t>(group_->rank())] = 1;
  ASSERT_TRUE(group_->sum(seen).ok());
  EXPECT_EQ(seen, std::vector<float>(seen.size(), 1));
  EXPECT_EQ(group_->isFirst(), group_->rank() == 0);
  // mpirun started all of them here.
  EXPECT_EQ(group_->localSize(), group_->size());
  EXPECT_EQ(group_->localRank(), group_->rank());
}

TEST_F(GroupTest, tells_whether_any_process_says_so) {
  for (int yes = 0; yes < group_->size(); ++yes) {
    Result<bool> any = group_->any(group_->rank() == yes);
    ASSERT_TRUE(any.ok());
    EXPECT_TRUE(*any);
  }
  Result<bool> none = group_->any(false);
  ASSERT_TRUE(none.ok());
  EXPECT_FALSE(*none);
}

// A failed agreement is the end of a group: the last test of it.
TEST_F(GroupTest, z_an_error_of_one_is_one_of_all) {
  ASSERT_TRUE(group_->agree(okStatus()).ok());
  ASSERT_TRUE(group_->agreeOn("the same", "a text").ok());
  int last = group_->size() - 1;
  std::string own = group_->rank() == last ? "other" : "text";
  Status status = group_->agreeOn(own, "a text");
  if (group_->size() == 1) {
    EXPECT_TRUE(status.ok());
    return;
  }
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_EQ(status.message(),
            "process " + std::to_string(last) + " of " +
                std::to_string(group_->size()) +
                ": a text is 'other' here and 'text' in process 0");
  Status again = group_->agree(okStatus());
  EXPECT_EQ(again.message(), status.message());
}

TEST(SingleProcess, keeps_what_it_has) {
  SingleProcess alone;
  std::vector<float> values = {1, 2};
  ASSERT_TRUE(alone.sum(values).ok());
  EXPECT_EQ(values, (std::vector<float>{1, 2}));
  EXPECT_EQ(alone.agree(notFound("gone")).message(), "gone");
  EXPECT_TRUE(alone.agree(okStatus()).ok());
  EXPECT_EQ(alone.endAll(notFound("gone")).message(), "gone");
}

} // namespace
} // namespace burin
