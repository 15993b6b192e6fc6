// SPDX-License-Identifier: Apache-2.0
// `burin bench` with a peer that is a shell script: what it is handed, and
// that times are compared only where the outputs agree.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/robustness/command.h"

namespace burin {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class BenchTest : public testing::Test {
protected:
  static void SetUpTestSuite() {
    folder() = fs::temp_directory_path() /
               ("burin_bench_test_" + std::to_string(getpid()));
    fs::create_directories(folder());
    setenv("XDG_CACHE_HOME", (folder() / "cache").c_str(), 1);
    CommandResult made = runBurin(
        {"convert", "tests/formats/golden/tiny_diffusers", "-o", model()});
    ASSERT_EQ(made.exitStatus, 0) << made.error;
  }
  static void TearDownTestSuite() { fs::remove_all(folder()); }

  static fs::path& folder() {
    static fs::path path;
    return path;
  }
  static std::string model() { return folder() / "tiny.burin"; }

  // A peer that computes with Burin and takes its own outputs, or what the
  // model gives for other inputs, as the float32 reference.
  static std::string writePeer(bool agrees) {
    std::string path = folder() / (agrees ? "agrees.sh" : "differs.sh");
    std::string reference = agrees
                                ? "\"$(field outputs)\""
                                : "tests/tools/golden/unet.outputs.safetensors";
    std::ofstream(path)
        << "task=$1\n"
           "echo \"$task\" > "
        << (folder() / "task.json").string() << "\n"
        << "field() { echo \"$task\" | "
           "sed 's/.*\"'$1'\":\"\\([^\"]*\\)\".*/\\1/'; }\n"
        << "set -e\n"
        << BURIN_COMMAND << " run " << model()
        << " unet --inputs \"$(field inputs)\" --outputs \"$(field outputs)\" "
           ">&2\n"
        << "cp " << reference << " \"$(field reference_outputs)\"\n"
        << R"(echo '{"torch": "0", "peak_bytes": 1, "layouts": {"one": )"
        << R"({"best": 2.0, "median": 3.0, "processor": 1.0}}}')"
        << "\n";
    return path;
  }

  static CommandResult bench(const std::string& peer,
                             std::vector<std::string> more) {
    std::vector<std::string> arguments = {"bench",
                                          model(),
                                          "unet",
                                          "--batch",
                                          "2",
                                          "--height",
                                          "16",
                                          "--width",
                                          "8",
                                          "--tokens",
                                          "7",
                                          "--repeat",
                                          "2",
                                          "--against",
                                          "torch",
                                          "--weights",
                                          "tests/formats/golden/tiny_diffusers",
                                          "--python",
                                          "/bin/sh",
                                          "--script",
                                          peer};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return runBurin(arguments);
  }
};

TEST_F(BenchTest, compares_times_of_equal_outputs) {
  CommandResult result = bench(writePeer(true), {"--json"});
  ASSERT_EQ(result.exitStatus, 0) << result.error;
  json report = json::parse(result.output, nullptr, false);
  EXPECT_EQ(report["burin"]["relative_error"], 0.0);
  EXPECT_EQ(report["torch"]["relative_error"], 0.0);
  EXPECT_GT(report["launches"], 0);
  double best = report["burin"]["best_seconds"];
  EXPECT_GT(best, 0);
  EXPECT_DOUBLE_EQ(report["ratio"], best / 2);

  std::ifstream file(folder() / "task.json");
  json task = json::parse(file, nullptr, false);
  EXPECT_EQ(task["device"], "cpu");
  EXPECT_EQ(task["weights"], "tests/formats/golden/tiny_diffusers");
  EXPECT_EQ(task["height"], 16);
  EXPECT_FALSE(fs::exists(task["inputs"].get<std::string>())); // cleaned up
}

TEST_F(BenchTest, compares_no_times_where_outputs_disagree) {
  std::string peer = writePeer(false);
  CommandResult result = bench(peer, {"--json"});
  ASSERT_EQ(result.exitStatus, 0) << result.error;
  json report = json::parse(result.output, nullptr, false);
  EXPECT_GT(report["burin"]["relative_error"], 0.1);
  EXPECT_FALSE(report.contains("ratio"));

  result = bench(peer, {});
  EXPECT_NE(result.output.find("outputs disagree"), std::string::npos)
      << result.output;
  EXPECT_EQ(result.output.find("burin / torch"), std::string::npos);
}

TEST_F(BenchTest, takes_a_compiled_module_with_its_own_extents) {
  std::string module = folder() / "step.burinm";
  CommandResult made = runBurin({"compile", model(), "--function", "edit_step",
                                 "--batch", "2", "--height", "8", "--width",
                                 "16", "--tokens", "7", "-o", module});
  ASSERT_EQ(made.exitStatus, 0) << made.error;
  CommandResult result = runBurin({"bench", model(), "edit_step", "--module",
                                   module, "--repeat", "1", "--json"});
  ASSERT_EQ(result.exitStatus, 0) << result.error;
  json report = json::parse(result.output, nullptr, false);
  EXPECT_EQ(report["what"], "edit_step, batch 2, 8x16, 7 tokens, f32, cpu");
}

TEST_F(BenchTest, takes_adapters_beside_the_weights) {
  std::vector<std::string> more = {"--batch", "2",  "--height",   "8",
                                   "--width", "16", "--adapters", "2",
                                   "--rank",  "3",  "--targets",  "attn1.*"};
  std::vector<std::string> plain = {"bench",    model(), "unet",
                                    "--repeat", "1",     "--json"};
  plain.insert(plain.end(), more.begin(), more.begin() + 6);
  std::vector<std::string> with = plain;
  with.insert(with.end(), more.begin() + 6, more.end());
  CommandResult result = runBurin(with), base = runBurin(plain);
  ASSERT_EQ(result.exitStatus, 0) << result.error;
  ASSERT_EQ(base.exitStatus, 0) << base.error;
  json report = json::parse(result.output, nullptr, false);
  EXPECT_EQ(report["what"], "unet, batch 2, 8x16, 77 tokens, 2 adapters of "
                            "rank 3, f32, cpu");
  EXPECT_GT(report["launches"], json::parse(base.output)["launches"]);

  std::string module = folder() / "adapted.burinm";
  std::vector<std::string> compile = {
      "compile", model(), "--function", "unet", "--tokens", "77", "-o", module};
  compile.insert(compile.end(), more.begin(), more.end());
  CommandResult made = runBurin(compile);
  ASSERT_EQ(made.exitStatus, 0) << made.error;
  CommandResult refused =
      runBurin({"compile", model(), "--function", "text_encoder", "--tokens",
                "7", "--adapters", "2", "-o", module});
  EXPECT_EQ(refused.exitStatus, 2);
  EXPECT_NE(refused.error.find("text_encoder"), std::string::npos)
      << refused.error;
}

} // namespace
} // namespace burin
