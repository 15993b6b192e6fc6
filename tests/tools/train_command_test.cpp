// SPDX-License-Identifier: Apache-2.0
// `burin data`, `burin train` and `burin edit` one after another, as a user
// runs them; what training refuses is in tests/robustness.
#include <numeric>
#include <random>
#include <sstream>

#include <nlohmann/json.hpp>

#include "formats/checkpoint/checkpoint.h"
#include "tests/formats/temporary_folder.h"
#include "tests/robustness/command.h"

namespace burin {
namespace {

using nlohmann::json;

constexpr int kSteps = 120;

// One model, one set of data, one uninterrupted training for all tests.
class TrainCommand : public testing::Test {
protected:
  static void SetUpTestSuite() {
    folder_ = new TemporaryFolder;
    // Modules are kept in this test's own folder.
    ::setenv("XDG_CACHE_HOME", folder_->path().c_str(), 1);
    succeed({"convert", "tests/formats/golden/tiny_diffusers", "-o", model()});
    succeed(
        {"data", "--out", *folder_ / "data", "--count", "200", "--size", "64"});
    summary_ = succeed(training("whole"));
  }
  static void TearDownTestSuite() { delete folder_; }

  static std::string model() { return *folder_ / "tiny.burin"; }

  static std::string succeed(const std::vector<std::string>& arguments) {
    CommandResult result = runBurin(arguments);
    EXPECT_EQ(result.exitStatus, 0) << arguments[0] << ": " << result.error;
    return result.output;
  }

  // A training into the folder `run`, which is also the configuration's name.
  static std::vector<std::string> training(const std::string& run,
                                           int steps = kSteps) {
    json config = {{"model", model()},
                   {"data", *folder_ / "data"},
                   {"output", *folder_ / run},
                   {"cache", *folder_ / "encoded"},
                   {"steps", steps},
                   {"batch", 8},
                   {"size", 64},
                   {"learning_rate", {{"peak", 3e-3}}},
                   {"average_decay", 0.9},
                   {"log_every", 1},
                   {"checkpoint", {{"every", 10}, {"keep", 2}}}};
    std::string path = *folder_ / run + ".json";
    writeText(path, config.dump());
    return {"train", path};
  }

  // Of each step, in order; a killed process may have logged some twice.
  static std::vector<double> losses(const std::string& run) {
    std::map<int, double> byStep;
    std::istringstream lines(readText(*folder_ / run + "/log.jsonl"));
    for (std::string line; std::getline(lines, line);) {
      json row = json::parse(line, nullptr, false);
      if (!row.is_discarded())
        byStep[row["step"]] = row["loss"];
    }
    std::vector<double> losses;
    for (auto [step, loss] : byStep)
      losses.push_back(loss);
    return losses;
  }

  // The last step that a state of this run has.
  static int savedStep(const std::string& run) {
    int last = 0;
    for (const std::string& name : namesIn(*folder_ / run)) {
      int step = 0;
      if (std::sscanf(name.c_str(), "state-%d.burin", &step) == 1)
        last = std::max(last, step);
    }
    return last;
  }

  static std::vector<std::string> namesIn(const std::string& folder) {
    std::vector<std::string> names;
    std::error_code missing;
    for (auto& entry : std::filesystem::directory_iterator(folder, missing))
      names.push_back(entry.path().filename());
    return names;
  }

  static inline TemporaryFolder* folder_ = nullptr;
  static inline std::string summary_; // of the uninterrupted training
};

double mean(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) /
         static_cast<double>(values.size());
}

TEST_F(TrainCommand, learns_and_makes_a_model_that_edits) {
  EXPECT_NE(summary_.find("trained to step 120"), std::string::npos)
      << summary_;
  std::vector<double> all = losses("whole");
  ASSERT_EQ(all.size(), size_t{kSteps});
  std::span begin = std::span(all).first(20), end = std::span(all).last(20);
  EXPECT_LT(mean(end), 0.6 * mean(begin));

  std::string trained = *folder_ / "whole/model.burin";
  EXPECT_NE(readText(trained), readText(model()));
  succeed({"edit", "models/pretrained/scene.png", "make it red", "--model",
           trained, "--steps", "2", "--size", "64", "-o",
           *folder_ / "out.png"});
  EXPECT_FALSE(readText(*folder_ / "out.png").empty());
}

TEST_F(TrainCommand, goes_on_bit_for_bit_after_being_killed) {
  std::mt19937 random(std::random_device{}());
  std::uniform_int_distribution<int> life(5000, 150000);
  int before = 0, kills = 0;
  for (int i = 0; i < 20 && before < kSteps; ++i) {
    CommandResult result = runBurin(training("killed"), {},
                                    std::chrono::microseconds(life(random)));
    bool killed = result.exitStatus == 128 + SIGKILL;
    EXPECT_TRUE(killed || result.exitStatus == 0) << result.error;
    kills += killed;
    int now = savedStep("killed");
    EXPECT_GE(now, before); // nothing that was saved is lost
    before = now;
  }
  EXPECT_GT(kills, 0);
  succeed(training("killed"));
  EXPECT_EQ(losses("killed"), losses("whole"));
  EXPECT_EQ(readText(*folder_ / "killed/model.burin"),
            readText(*folder_ / "whole/model.burin"));
}

TEST_F(TrainCommand, learns_from_random_weights_and_goes_on_from_them) {
  auto random = [](const std::string& run, int steps, uint64_t seed) {
    std::vector<std::string> command = training(run, steps);
    json config = json::parse(readText(command[1]));
    config["initial"] = "random";
    config["seed"] = seed;
    writeText(command[1], config.dump());
    succeed(command);
    return losses(run);
  };
  std::vector<double> all = random("nothing", kSteps, 1);
  ASSERT_EQ(all.size(), size_t{kSteps});
  std::span begin = std::span(all).first(20), end = std::span(all).last(20);
  EXPECT_LT(mean(end), 0.8 * mean(begin));
  EXPECT_NE(readText(*folder_ / "nothing/initial.burin"), readText(model()));

  random("parts", 30, 1);
  EXPECT_EQ(random("parts", kSteps, 1), all);
  EXPECT_EQ(readText(*folder_ / "parts/model.burin"),
            readText(*folder_ / "nothing/model.burin"));
  random("other", 1, 2);
  EXPECT_NE(readText(*folder_ / "other/initial.burin"),
            readText(*folder_ / "nothing/initial.burin"));

  Result<Checkpoint> old = Checkpoint::open(model());
  Result<Checkpoint> made =
      Checkpoint::open(*folder_ / "nothing/initial.burin");
  ASSERT_TRUE(old.ok() && made.ok());
  for (const TensorView& tensor : old->tensors()) {
    const TensorView* now = made->find(tensor.name);
    ASSERT_NE(now, nullptr) << tensor.name;
    bool learns = tensor.name.starts_with("unet.") && tensor.shape.size() > 1;
    bool same = std::ranges::equal(tensor.data, now->data);
    EXPECT_TRUE(tensor.name.starts_with("unet.") || same) << tensor.name;
    EXPECT_FALSE(learns && same) << tensor.name;
  }
}

TEST_F(TrainCommand, goes_on_when_more_steps_are_wanted) {
  succeed(training("more", 50));
  EXPECT_EQ(losses("more").size(), 50u);
  succeed(training("more"));
  EXPECT_EQ(losses("more"), losses("whole"));
}

TEST_F(TrainCommand, needs_no_compiler_where_modules_are_given) {
  auto compile = training("ahead", 20);
  std::string modules = *folder_ / "modules";
  succeed({compile[0], compile[1], "--compile", modules});
  ::setenv("BURIN_COMPILER", "/none", 1);
  CommandResult without = runBurin(compile);
  succeed({compile[0], compile[1], "--modules", modules});
  CommandResult wrong = runBurin(
      {"train", *folder_ / "whole.json", "--modules", *folder_ / "none"});
  ::unsetenv("BURIN_COMPILER");
  EXPECT_EQ(without.exitStatus, 2);
  EXPECT_EQ(wrong.exitStatus, 2);
  EXPECT_NE(wrong.error.find("none/"), std::string::npos) << wrong.error;
  auto whole = losses("whole");
  whole.resize(20);
  EXPECT_EQ(losses("ahead"), whole);
}

TEST_F(TrainCommand, a_full_disk_loses_nothing) {
  succeed(training("full", 20));
  // Less than a state, more than a row of the log.
  auto state =
      std::filesystem::file_size(*folder_ / "full/state-0000000020.burin");
  CommandResult stopped =
      runBurin(training("full"), state / 2, std::chrono::seconds(2));
  EXPECT_EQ(stopped.exitStatus, 128 + SIGKILL) << stopped.error;
  EXPECT_NE(stopped.error.find("trying every 10 seconds"), std::string::npos)
      << stopped.error;
  EXPECT_EQ(savedStep("full"), 20);
  succeed(training("full"));
  EXPECT_EQ(losses("full"), losses("whole"));
}

} // namespace
} // namespace burin
