// SPDX-License-Identifier: Apache-2.0
// The loop around a network of one tensor.
#include "models/train/loop.h"

#include <nlohmann/json.hpp>

#include "tests/train/world.h"

namespace burin::train {
namespace {

TEST(Loop, learns_logs_saves_and_publishes) {
  World world;
  world.config.logEvery = 15;
  auto learner = FakeLearner::create(world.model());
  TrainEvents events = World::quiet();
  int64_t calls = 0;
  events.progress = [&](const TrainProgress& now) {
    EXPECT_EQ(now.step, ++calls);
  };
  Result<TrainSummary> summary = world.run(*learner, events);
  ASSERT_TRUE(summary.ok()) << summary.status().message();
  EXPECT_EQ(summary->first, 0);
  EXPECT_EQ(summary->last, 40);
  EXPECT_EQ(calls, 40);
  EXPECT_LE(summary->waited, summary->seconds);
  std::vector<std::string> losses = world.losses();
  ASSERT_EQ(losses.size(), 3u);
  for (int i : {0, 1, 2})
    EXPECT_TRUE(losses[i].starts_with(i == 0   ? "15: "
                                      : i == 1 ? "30: "
                                               : "40: "));
  for (int step : {35, 40})
    EXPECT_TRUE(std::filesystem::exists(world.config.output +
                                        "/state-00000000" +
                                        std::to_string(step) + ".burin"));

  // The model: what was learnt as its average, all else as it was.
  Result<Checkpoint> start = Checkpoint::open(world.model());
  Result<Checkpoint> made =
      Checkpoint::open(world.config.output + "/model.burin");
  ASSERT_TRUE(made.ok()) << made.status().message();
  ASSERT_EQ(made->tensors().size(), start->tensors().size());
  ASSERT_TRUE(std::ranges::equal(made->metadata(), start->metadata()));
  int changed = 0;
  for (const TensorView& tensor : start->tensors()) {
    auto now = made->tensor(tensor.name);
    ASSERT_TRUE(now.ok());
    changed += !std::ranges::equal(now->data, tensor.data);
  }
  EXPECT_EQ(changed, 1);
}

TEST(Loop, goes_on_where_it_was_stopped_with_the_same_losses) {
  World whole, parts;
  whole.config.logEvery = parts.config.logEvery = 4;
  auto learner = FakeLearner::create(whole.model());
  ASSERT_TRUE(whole.run(*learner).ok());

  int64_t stopAt = 0;
  TrainEvents events = World::quiet();
  int64_t done = 0;
  events.progress = [&](const TrainProgress& now) { done = now.step; };
  events.stopped = [&] { return done >= stopAt; };
  for (int64_t stop : {0, 1, 9, 10, 26}) {
    stopAt = stop;
    done = 0;
    auto fresh = FakeLearner::create(parts.model());
    Result<TrainSummary> summary = parts.run(*fresh, events);
    ASSERT_EQ(summary.status().code(), Code::kCancelled);
    EXPECT_NE(summary.status().message().find("step " + std::to_string(stop)),
              std::string::npos)
        << summary.status().message();
  }
  auto last = FakeLearner::create(parts.model());
  ASSERT_TRUE(parts.run(*last).ok());
  EXPECT_EQ(parts.losses(), whole.losses());
  EXPECT_EQ(last->weights, learner->weights);
  EXPECT_EQ(readText(parts.config.output + "/model.burin"),
            readText(whole.config.output + "/model.burin"));
}

TEST(Loop, says_that_nothing_is_left_to_do) {
  World world;
  world.config.steps = 7;
  auto learner = FakeLearner::create(world.model());
  ASSERT_TRUE(world.run(*learner).ok());
  std::filesystem::remove(world.config.output + "/model.burin");
  std::vector<std::string> notes;
  TrainEvents events = World::quiet();
  events.note = [&](const std::string& text) { notes.push_back(text); };
  auto again = FakeLearner::create(world.model());
  Result<TrainSummary> summary = world.run(*again, events);
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(summary->first, 7);
  EXPECT_EQ(summary->last, 7);
  ASSERT_EQ(notes.size(), 2u);
  EXPECT_NE(notes[1].find("done already"), std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(world.config.output + "/model.burin"));
}

TEST(Loop, waits_for_a_full_disk_as_long_as_it_is_told) {
  World world;
  auto learner = FakeLearner::create(world.model());
  int failures = 3, asked = 0;
  learner->onSaving = [&] {
    return failures-- > 0 ? unavailable("no space left") : okStatus();
  };
  TrainEvents events = World::quiet();
  events.retry = [&](const Status& status) {
    EXPECT_NE(status.message().find("no space"), std::string::npos);
    ++asked;
    return true;
  };
  ASSERT_TRUE(world.run(*learner, events).ok());
  EXPECT_EQ(asked, 3);

  World other;
  auto impatient = FakeLearner::create(other.model());
  impatient->onSaving = [] { return unavailable("no space left"); };
  events.retry = [](const Status&) { return false; };
  Result<TrainSummary> summary = other.run(*impatient, events);
  ASSERT_FALSE(summary.ok());
  EXPECT_NE(summary.status().message().find("no space"), std::string::npos);
}

TEST(Loop, ends_when_no_gradient_is_finite) {
  World world;
  world.config.steps = 1000;
  world.config.checkpoint.every = 30;
  auto learner = FakeLearner::create(world.model());
  int64_t steps = 0;
  learner->onStep = [&] { learner->finite = ++steps <= 35; };
  Result<TrainSummary> summary = world.run(*learner);
  ASSERT_FALSE(summary.ok());
  for (const char* part :
       {"50 steps", "step 85", "learning_rate.peak", "0.05", "step 60"})
    EXPECT_NE(summary.status().message().find(part), std::string::npos)
        << part << " not in " << summary.status().message();
}

} // namespace
} // namespace burin::train
