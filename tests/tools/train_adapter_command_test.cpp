// SPDX-License-Identifier: Apache-2.0
// `burin train` with an adapter and `burin edit --lora` with what it made, as
// a user runs them.
#include <numeric>
#include <random>
#include <sstream>

#include <nlohmann/json.hpp>

#include "formats/safetensors/safetensors.h"
#include "tests/formats/temporary_folder.h"
#include "tests/robustness/command.h"

namespace burin {
namespace {

using nlohmann::json;

constexpr int kSteps = 100;

// One model, one set of data, one uninterrupted training for all tests.
class TrainAdapterCommand : public testing::Test {
protected:
  static void SetUpTestSuite() {
    folder_ = new TemporaryFolder;
    // Modules are kept in this test's own folder.
    ::setenv("XDG_CACHE_HOME", folder_->path().c_str(), 1);
    succeed({"convert", "tests/formats/golden/tiny_diffusers", "-o", model()});
    succeed(
        {"data", "--out", *folder_ / "data", "--count", "200", "--size", "64"});
    base_ = readText(model());
    summary_ = succeed(training("whole"));
  }
  static void TearDownTestSuite() { delete folder_; }

  static std::string model() { return *folder_ / "tiny.burin"; }
  static std::string adapter(const std::string& run = "whole") {
    return *folder_ / run + "/adapter.safetensors";
  }

  static std::string succeed(const std::vector<std::string>& arguments) {
    CommandResult result = runBurin(arguments);
    EXPECT_EQ(result.exitStatus, 0) << arguments[0] << ": " << result.error;
    return result.output;
  }

  // A training into the folder `run`, which is also the configuration's name.
  static std::vector<std::string> training(const std::string& run,
                                           const json& patch = json::object()) {
    json config = {
        {"model", model()},
        {"data", *folder_ / "data"},
        {"output", *folder_ / run},
        {"cache", *folder_ / "encoded"},
        {"steps", kSteps},
        {"batch", 8},
        {"size", 64},
        {"seed", 3},
        {"learning_rate", {{"peak", 1e-2}}},
        {"average_decay", 0.9},
        {"log_every", 1},
        {"adapter",
         {{"rank", 4}, {"alpha", 8}, {"targets", {"to_*", "conv*", "net.2"}}}},
        {"checkpoint", {{"every", 10}, {"keep", 2}}}};
    config.merge_patch(patch);
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

  // The bytes of an edited picture.
  static std::string edited(std::vector<std::string> more) {
    std::string out = *folder_ / "out.png";
    std::vector<std::string> all = {"edit",       "models/pretrained/scene.png",
                                    "-o",         out,
                                    "--model",    model(),
                                    "--steps",    "2",
                                    "--size",     "64",
                                    "make it red"};
    all.insert(all.end(), more.begin(), more.end());
    succeed(all);
    return readText(out);
  }

  static inline TemporaryFolder* folder_ = nullptr;
  static inline std::string base_, summary_;
};

double mean(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) /
         static_cast<double>(values.size());
}

TEST_F(TrainAdapterCommand, learns_an_adapter_and_leaves_the_model_as_it_is) {
  EXPECT_NE(summary_.find("whole/adapter.safetensors"), std::string::npos)
      << summary_;
  std::vector<double> all = losses("whole");
  ASSERT_EQ(all.size(), size_t{kSteps});
  std::span begin = std::span(all).first(20), end = std::span(all).last(20);
  std::printf("losses: %.4f, then %.4f\n", mean(begin), mean(end));
  EXPECT_LT(mean(end), 0.8 * mean(begin));
  EXPECT_EQ(readText(model()), base_);
  EXPECT_FALSE(std::filesystem::exists(*folder_ / "whole/model.burin"));
}

TEST_F(TrainAdapterCommand, makes_an_adapter_that_edits) {
  std::string plain = edited({});
  EXPECT_NE(edited({"--lora", adapter()}), plain);
  EXPECT_EQ(edited({"--lora", adapter() + ":0"}), plain);
  EXPECT_NE(edited({"--lora", adapter(), "--unmerged"}), plain);
  EXPECT_EQ(edited({"--lora", adapter() + ":0", "--unmerged"}), plain);
}

TEST_F(TrainAdapterCommand, writes_every_layout_and_each_is_the_same_edit) {
  std::string expected = edited({"--lora", adapter()});
  for (std::string layout : {"peft", "kohya"}) {
    succeed(training(layout, {{"adapter", {{"layout", layout}}}}));
    EXPECT_EQ(losses(layout), losses("whole"));
    std::string file =
        layout == "peft" ? *folder_ / "peft/adapter" : adapter(layout);
    EXPECT_EQ(edited({"--lora", file}), expected) << layout;
  }
}

TEST_F(TrainAdapterCommand, goes_on_bit_for_bit_after_being_killed) {
  std::mt19937 random(std::random_device{}());
  std::uniform_int_distribution<int> life(5000, 150000);
  int kills = 0;
  for (int i = 0; i < 8; ++i) {
    CommandResult result = runBurin(training("killed"), {},
                                    std::chrono::microseconds(life(random)));
    bool killed = result.exitStatus == 128 + SIGKILL;
    EXPECT_TRUE(killed || result.exitStatus == 0) << result.error;
    kills += killed;
  }
  EXPECT_GT(kills, 0);
  succeed(training("killed"));
  EXPECT_EQ(losses("killed"), losses("whole"));
  EXPECT_EQ(readText(adapter("killed")), readText(adapter()));
}

// A state of another alpha would go on with another network.
TEST_F(TrainAdapterCommand, passes_over_states_of_another_adapter) {
  succeed(training("changed", {{"steps", 10}}));
  json other = {{"steps", 12}, {"adapter", {{"alpha", 4}}}};
  CommandResult result = runBurin(training("changed", other));
  ASSERT_EQ(result.exitStatus, 0) << result.error;
  EXPECT_NE(result.error.find("trains another adapter"), std::string::npos)
      << result.error;
  succeed(training("fresh", other));
  EXPECT_EQ(readText(adapter("changed")), readText(adapter("fresh")));
}

TEST_F(TrainAdapterCommand, needs_no_compiler_where_modules_are_given) {
  auto compile = training("ahead", {{"steps", 10}});
  std::string modules = *folder_ / "modules";
  succeed({compile[0], compile[1], "--compile", modules});
  ::setenv("BURIN_COMPILER", "/none", 1);
  succeed({compile[0], compile[1], "--modules", modules});
  json whole = {{"steps", 10}, {"adapter", nullptr}};
  CommandResult wrong =
      runBurin({"train", training("not_it", whole)[1], "--modules", modules});
  ::unsetenv("BURIN_COMPILER");
  EXPECT_EQ(wrong.exitStatus, 2);
  EXPECT_NE(wrong.error.find("of another training"), std::string::npos)
      << wrong.error;
  auto first = losses("whole");
  first.resize(10);
  EXPECT_EQ(losses("ahead"), first);
}

TEST_F(TrainAdapterCommand, draws_samples_with_the_adapter) {
  succeed(training("drawn", {{"steps", 4}, {"samples", {{"every", 4}}}}));
  EXPECT_TRUE(std::filesystem::exists(*folder_ / "drawn/samples/step-4.png"));
}

TEST_F(TrainAdapterCommand, names_a_target_that_is_no_layer) {
  json patch = {{"adapter", {{"targets", {"to_q", "to_z"}}}}};
  CommandResult result = runBurin(training("refused", patch));
  EXPECT_EQ(result.exitStatus, 2);
  for (const char* part :
       {"refused.json", "'adapter.targets'", "\"to_z\"", "tiny.burin", "to_k"})
    EXPECT_NE(result.error.find(part), std::string::npos) << result.error;
  EXPECT_FALSE(std::filesystem::exists(*folder_ / "refused"));
}

} // namespace
} // namespace burin
