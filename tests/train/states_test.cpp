// SPDX-License-Identifier: Apache-2.0
// Which state is gone on from, and which are kept.
#include "models/train/states.h"

#include "tests/train/world.h"

namespace burin::train {
namespace {

class StatesTest : public testing::Test {
protected:
  StatePoint restore(FakeLearner& into, const States& from) {
    notes.clear();
    Result<StatePoint> point = from.restore(
        into, [&](const std::string& text) { notes.push_back(text); });
    EXPECT_TRUE(point.ok()) << point.status().message();
    return point.ok() ? *point : StatePoint{-1, ""};
  }
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry :
         std::filesystem::directory_iterator(world.config.output))
      found.push_back(entry.path().filename().string());
    std::ranges::sort(found);
    return found;
  }
  void save(int64_t step, const States& to) {
    learner->weights[0] = static_cast<float>(step);
    ASSERT_TRUE(to.save(*learner, {step, "r" + std::to_string(step)}).ok());
  }

  World world;
  States states{world.config.output, "mine", 2};
  std::unique_ptr<FakeLearner> learner = FakeLearner::create(world.model());
  std::unique_ptr<FakeLearner> fresh = FakeLearner::create(world.model());
  std::vector<std::string> notes;
};

TEST_F(StatesTest, keeps_the_newest_and_restores_it) {
  EXPECT_EQ(restore(*fresh, states).step, 0);
  for (int64_t step : {5, 10, 15, 20})
    save(step, states);
  EXPECT_EQ(names(), (std::vector<std::string>{"state-0000000015.burin",
                                               "state-0000000020.burin"}));
  StatePoint point = restore(*fresh, states);
  EXPECT_EQ(point.step, 20);
  EXPECT_EQ(point.remarks, "r20");
  EXPECT_EQ(fresh->weights[0], 20);
  EXPECT_TRUE(notes.empty());
}

TEST_F(StatesTest, passes_over_what_is_torn_foreign_or_misnamed) {
  save(5, states);
  save(10, States(world.config.output, "another", 2));
  save(15, states);
  std::string torn = states.path(15);
  writeText(torn, readText(torn).substr(0, 300));
  std::filesystem::copy(states.path(5), states.path(20));
  std::filesystem::copy(world.model(), states.path(25));
  writeText(world.config.output + "/state-30.burin", "not by this name");
  StatePoint point = restore(*fresh, states);
  EXPECT_EQ(point.step, 5);
  EXPECT_EQ(fresh->weights[0], 5);
  ASSERT_EQ(notes.size(), 4u);
  EXPECT_NE(notes[0].find("state-0000000025"), std::string::npos) << notes[0];
  EXPECT_NE(notes[0].find("no state"), std::string::npos) << notes[0];
  EXPECT_NE(notes[1].find("of step 5"), std::string::npos) << notes[1];
  EXPECT_NE(notes[2].find("state-0000000015"), std::string::npos) << notes[2];
  EXPECT_NE(notes[3].find("another model"), std::string::npos) << notes[3];
  // What is not of this run is not this run's to remove.
  save(30, states);
  save(31, states);
  EXPECT_EQ(names().size(), 6u);
  EXPECT_TRUE(std::filesystem::exists(states.path(10)));
  EXPECT_FALSE(std::filesystem::exists(states.path(5)));
}

TEST_F(StatesTest, a_failed_save_leaves_the_old_ones) {
  save(5, states);
  save(10, states);
  learner->onSaving = [] { return unavailable("the disk is full"); };
  EXPECT_FALSE(states.save(*learner, {15, ""}).ok());
  EXPECT_EQ(names(), (std::vector<std::string>{"state-0000000005.burin",
                                               "state-0000000010.burin"}));
  EXPECT_EQ(restore(*fresh, states).step, 10);
}

} // namespace
} // namespace burin::train
