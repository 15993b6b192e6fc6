// SPDX-License-Identifier: Apache-2.0
// `mpirun -n 2 burin train`: it learns what one process learns, and ends when
// one of its processes does.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sstream>

#include <nlohmann/json.hpp>

#include "formats/checkpoint/checkpoint.h"
#include "tests/formats/temporary_folder.h"
#include "tests/robustness/command.h"

namespace burin {
namespace {

using nlohmann::json;

constexpr int kSteps = 30;

// One model, one set of data, one training by one process for all tests.
class TrainProcesses : public testing::Test {
protected:
  static void SetUpTestSuite() {
    folder_ = new TemporaryFolder;
    // Modules are kept in this test's own folder.
    ::setenv("XDG_CACHE_HOME", folder_->path().c_str(), 1);
    succeed(runBurin(
        {"convert", "tests/formats/golden/tiny_diffusers", "-o", model()}));
    succeed(runBurin(
        {"data", "--out", *folder_ / "data", "--count", "40", "--size", "64"}));
    succeed(runBurin({"train", configuration("one")}));
  }
  static void TearDownTestSuite() { delete folder_; }

  static std::string model() { return *folder_ / "tiny.burin"; }

  static void succeed(const CommandResult& result) {
    EXPECT_EQ(result.exitStatus, 0) << result.error;
  }

  // Of a training into the folder `run`.
  static std::string configuration(const std::string& run,
                                   const json& patch = json::object()) {
    json config = {{"model", model()},
                   {"data", *folder_ / "data"},
                   {"output", *folder_ / run},
                   {"cache", *folder_ / "encoded"},
                   {"steps", kSteps},
                   {"batch", 8},
                   {"size", 64},
                   {"threads", 1},
                   {"learning_rate", {{"peak", 3e-3}}},
                   {"average_decay", 0.9},
                   {"log_every", 1}};
    config.merge_patch(patch);
    std::string path = *folder_ / run + ".json";
    writeText(path, config.dump());
    return path;
  }

  static CommandResult runTwo(const std::string& configuration) {
    return runProgram(BURIN_MPIRUN, {"--oversubscribe", "-n", "2",
                                     BURIN_COMMAND, "train", configuration});
  }
  // Each with a configuration of its own.
  static CommandResult runTwo(const std::string& first,
                              const std::string& second) {
    return runProgram(BURIN_MPIRUN,
                      {"--oversubscribe", "-n", "1", BURIN_COMMAND, "train",
                       first, ":", "-n", "1", BURIN_COMMAND, "train", second});
  }

  static std::vector<double> losses(const std::string& run) {
    std::vector<double> losses;
    std::istringstream lines(readText(*folder_ / run + "/log.jsonl"));
    for (std::string line; std::getline(lines, line);)
      losses.push_back(json::parse(line)["loss"]);
    return losses;
  }

  static std::string state(const std::string& run) {
    return *folder_ / run + "/state-0000000030.burin";
  }

  // That the losses are those of one process, and what was learnt.
  static void expectSame(const std::string& run) {
    constexpr double kLimit = 1e-4;
    std::vector<double> expected = losses("one"), actual = losses(run);
    ASSERT_EQ(actual.size(), size_t{kSteps});
    double loss = 0;
    for (size_t i = 0; i < actual.size(); ++i)
      loss = std::max(loss, std::abs(actual[i] / expected[i] - 1));
    EXPECT_LE(loss, kLimit);

    auto one = Checkpoint::open(state("one")),
         other = Checkpoint::open(state(run));
    ASSERT_TRUE(one.ok() && other.ok());
    auto floats = [](const Checkpoint& checkpoint) {
      auto data = checkpoint.tensor("average")->data;
      return std::span(reinterpret_cast<const float*>(data.data()),
                       data.size() / sizeof(float));
    };
    auto a = floats(*one), b = floats(*other);
    ASSERT_EQ(a.size(), b.size());
    double difference = 0, norm = 0;
    for (size_t i = 0; i < a.size(); ++i) {
      difference += std::pow(double{a[i]} - b[i], 2);
      norm += std::pow(double{a[i]}, 2);
    }
    double weights = std::sqrt(difference / norm);
    EXPECT_LE(weights, kLimit);
    std::printf(
        "%s: losses %.1e, %.1f %% of the limit; weights %.1e, %.1f %%\n",
        run.c_str(), loss, 100 * loss / kLimit, weights,
        100 * weights / kLimit);
  }

  static inline TemporaryFolder* folder_ = nullptr;
};

TEST_F(TrainProcesses, learn_what_one_does) {
  CommandResult result = runTwo(configuration("two"));
  succeed(result);
  // Said and done once.
  EXPECT_EQ(result.output.find("trained to step 30"),
            result.output.rfind("trained to step 30"));
  expectSame("two");

  succeed(runTwo(configuration("parts", {{"accumulate", 2}})));
  expectSame("parts");
}

TEST_F(TrainProcesses, go_on_bit_for_bit) {
  succeed(runTwo(configuration("whole"))); // its modules are made by now
  succeed(runTwo(configuration("stopped", {{"steps", 11}})));
  succeed(runTwo(configuration("stopped")));
  EXPECT_EQ(losses("stopped"), losses("whole"));
  EXPECT_EQ(readText(state("stopped")), readText(state("whole")));

  // And as another number of processes.
  succeed(runTwo(configuration("fewer", {{"steps", 11}})));
  succeed(runBurin({"train", configuration("fewer")}));
  expectSame("fewer");
}

TEST_F(TrainProcesses, refuse_what_does_not_go_in_equal_parts) {
  CommandResult result = runTwo(configuration("uneven", {{"batch", 9}}));
  EXPECT_EQ(result.exitStatus, 2);
  for (const char* part : {"burin: error: ", "uneven.json: 'batch'", "9",
                           "2 processes", "multiples of 2"})
    EXPECT_NE(result.error.find(part), std::string::npos)
        << part << " not in " << result.error;
  EXPECT_EQ(result.error.find("burin: error: "),
            result.error.rfind("burin: error: "));
  EXPECT_FALSE(std::filesystem::exists(*folder_ / "uneven"));
}

TEST_F(TrainProcesses, end_with_the_error_of_any_of_them) {
  std::string good = configuration("broken", {{"steps", 1000000}});
  CommandResult result = runTwo(good, *folder_ / "none.json");
  EXPECT_EQ(result.exitStatus, 2);
  EXPECT_NE(result.error.find("process 1 of 2: cannot read '"),
            std::string::npos)
      << result.error;

  // Another model's weights would be averaged with.
  std::string other = *folder_ / "other.burin";
  std::filesystem::copy(model(), other);
  std::string text = readText(other);
  size_t weights = text.size() * 2 / 3;
  text.replace(weights, 64, std::string(64, '\1'));
  writeText(other, text);
  result = runTwo(good, configuration("elsewhere", {{"model", other}}));
  EXPECT_EQ(result.exitStatus, 2);
  EXPECT_NE(result.error.find("process 1 of 2"), std::string::npos)
      << result.error;
}

TEST_F(TrainProcesses, end_when_one_is_killed) {
  std::string config = configuration("killed", {{"steps", 1000000}});
  std::string once = "'" BURIN_COMMAND "' train '" + config +
                     "' & sleep 0.5; kill -9 $!; wait $!";
  CommandResult result = runProgram(
      BURIN_MPIRUN, {"--oversubscribe", "-n", "1", BURIN_COMMAND, "train",
                     config, ":", "-n", "1", "sh", "-c", once});
  EXPECT_NE(result.exitStatus, 0);
}

} // namespace
} // namespace burin
