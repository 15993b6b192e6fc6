// SPDX-License-Identifier: Apache-2.0
// A training that is killed at any moment goes on as if it had not been.
#include <chrono>
#include <csignal>
#include <random>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

#include "tests/train/world.h"

namespace burin::train {
namespace {

using std::chrono::microseconds;

constexpr microseconds kStep{500}; // so that there are moments to hit

// In a process of its own; killed after `life`, or inside the write of state
// number `inSave`, counted from 1. Whether it came to its end.
bool trainInChild(World& world, microseconds life, int inSave = 0) {
  pid_t child = ::fork();
  if (child == 0) {
    auto learner = FakeLearner::create(world.model());
    learner->onStep = [] { std::this_thread::sleep_for(kStep); };
    learner->onSaving = [inSave, saves = 0]() mutable {
      if (++saves == inSave)
        std::raise(SIGKILL);
      return okStatus();
    };
    std::_Exit(world.run(*learner).ok() ? 0 : 1);
  }
  if (!inSave) {
    std::this_thread::sleep_for(life);
    ::kill(child, SIGKILL);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
  return WIFEXITED(status);
}

int64_t newestState(const World& world) {
  States states(world.config.output, "run", 2);
  auto learner = FakeLearner::create(world.model());
  Result<StatePoint> point = states.restore(*learner, [](auto& text) {
    ADD_FAILURE() << "a killed process left behind: " << text;
  });
  return point.ok() ? point->step : -1;
}

TEST(Kill, losses_and_model_are_those_of_an_uninterrupted_training) {
  World whole, killed;
  constexpr int64_t kSteps = 1500; // more than the kills leave time for
  whole.config.steps = killed.config.steps = kSteps;
  whole.config.checkpoint.every = killed.config.checkpoint.every = 20;
  auto learner = FakeLearner::create(whole.model());
  ASSERT_TRUE(whole.run(*learner).ok());

  std::mt19937 random(20);
  std::uniform_int_distribution<int> life(0, 30000);
  int64_t before = 0, advances = 0;
  // On a busy machine more of them come before the first step.
  for (int i = 0; i < 20 || (advances <= 5 && i < 200); ++i) {
    // One of them in the middle of a state.
    trainInChild(killed, microseconds(life(random)), i == 10 ? 2 : 0);
    int64_t now = newestState(killed);
    EXPECT_GE(now, before); // nothing that was saved is lost
    advances += now > before;
    before = now;
  }
  EXPECT_GT(advances, 5); // the kills came while it worked
  EXPECT_LT(before, kSteps);
  ASSERT_TRUE(trainInChild(killed, std::chrono::seconds(60), -1));
  EXPECT_EQ(killed.losses(), whole.losses());
  EXPECT_EQ(killed.losses().size(), size_t{kSteps});
  EXPECT_EQ(readText(killed.config.output + "/model.burin"),
            readText(whole.config.output + "/model.burin"));
  EXPECT_EQ(readText(killed.config.output + "/state-0000001500.burin"),
            readText(whole.config.output + "/state-0000001500.burin"));
}

} // namespace
} // namespace burin::train
