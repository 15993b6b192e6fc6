// SPDX-License-Identifier: Apache-2.0
// `burin bench` with a peer that is a shell script: what it is handed, and
// that times are compared only where the outputs agree.
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "formats/safetensors/safetensors.h"
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

class TrainBenchTest : public BenchTest {
protected:
  static void SetUpTestSuite() {
    BenchTest::SetUpTestSuite();
    // Gradients come in the type of the weights.
    CommandResult made =
        runBurin({"convert", "tests/formats/golden/tiny_diffusers", "--dtype",
                  "f32", "-o", wide()});
    ASSERT_EQ(made.exitStatus, 0) << made.error;
  }
  static std::string wide() { return folder() / "wide.burin"; }

  static std::vector<std::string> training(std::vector<std::string> more) {
    std::vector<std::string> arguments = {
        "bench",    wide(),     "train_step", "--batch", "2",
        "--height", "16",       "--width",    "8",       "--tokens",
        "7",        "--repeat", "1",          "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  static std::map<std::string, std::vector<float>>
  floatsOf(const std::string& path) {
    std::map<std::string, std::vector<float>> floats;
    Result<SafetensorsFile> file = SafetensorsFile::open(path);
    EXPECT_TRUE(file.ok()) << file.status().message();
    if (!file.ok())
      return floats;
    for (const TensorView& tensor : file->tensors()) {
      EXPECT_EQ(tensor.dtype, DType::kF32);
      std::vector<float>& values = floats[std::string(tensor.name)];
      values.resize(tensor.data.size() / sizeof(float));
      std::memcpy(values.data(), tensor.data.data(), tensor.data.size());
    }
    return floats;
  }
};

// Parts of the batch have gradients that sum up to the whole's, so that both
// ways to compute a step check one another.
TEST_F(TrainBenchTest, dumps_the_gradients_of_the_batch_whole_and_in_parts) {
  std::map<std::string, std::vector<float>> gradients[2];
  double losses[2];
  for (int parts : {1, 2}) {
    std::string dump = folder() / ("dump" + std::to_string(parts));
    CommandResult result =
        runBurin(training({"--dump", dump, "--parts", std::to_string(parts)}));
    ASSERT_EQ(result.exitStatus, 0) << result.error;
    json report = json::parse(result.output, nullptr, false);
    losses[parts - 1] = report["burin"]["loss"];
    EXPECT_GT(report["burin"]["samples_per_second"], 0);
    EXPECT_GT(report["burin"]["first_step_seconds"], 0);
    gradients[parts - 1] = floatsOf(dump + "/burin.safetensors");
    EXPECT_EQ(floatsOf(dump + "/inputs.safetensors").size(), 7u);
  }
  EXPECT_NEAR(losses[0], losses[1], 1e-6 * losses[0]);
  ASSERT_EQ(gradients[0].size(), gradients[1].size());
  ASSERT_TRUE(gradients[0].contains("unet.conv_in.weight"));
  double difference = 0, norm = 0;
  for (const auto& [name, whole] : gradients[0]) {
    const std::vector<float>& parts = gradients[1][name];
    ASSERT_EQ(whole.size(), parts.size()) << name;
    for (size_t i = 0; i < whole.size(); ++i) {
      difference += std::pow(double{whole[i]} - parts[i], 2);
      norm += std::pow(double{whole[i]}, 2);
    }
  }
  EXPECT_GT(norm, 0);
  EXPECT_LT(std::sqrt(difference / norm), 1e-5);
}

TEST_F(TrainBenchTest, hands_the_peer_its_task_and_reports_what_it_compares) {
  std::string peer = folder() / "train_peer.sh";
  std::string task = folder() / "train_task.json";
  std::string kept = folder() / "kept.safetensors";
  std::ofstream(peer)
      << "set -e\necho \"$1\" > " << task << "\n"
      << "cp \"$(echo \"$1\" | sed "
         "'s/.*\"gradients\":\"\\([^\"]*\\)\".*/\\1/')\" "
      << kept << "\n"
      << R"(echo '{"torch": "0", "layouts": {"eager": {"best": 2.0, )"
      << R"("median": 4.0}}, "losses": {"torch": 1.5, "float32": 1.25}, )"
      << R"("errors": {"burin": 0.25, "torch": 0.01, "worst": 0.5, )"
      << R"("worst_tensor": "conv_in.bias"}}')"
      << "\n";
  CommandResult result = runBurin(training(
      {"--against", "torch", "--python", "/bin/sh", "--script", peer}));
  ASSERT_EQ(result.exitStatus, 0) << result.error;
  json report = json::parse(result.output, nullptr, false);
  EXPECT_EQ(report["burin"]["relative_error"], 0.25);
  EXPECT_EQ(report["burin"]["worst_tensor"], "conv_in.bias");
  EXPECT_EQ(report["torch"]["samples_per_second"], 0.5);
  EXPECT_EQ(report["float32_loss"], 1.25);
  EXPECT_FALSE(report.contains("ratio")); // the gradients disagree

  std::ifstream file(task);
  json request = json::parse(file, nullptr, false);
  EXPECT_EQ(request["model"], wide());
  EXPECT_EQ(request["prediction"], "epsilon");
  EXPECT_EQ(request["hyper"]["max_gradient_norm"], 1);
  EXPECT_TRUE(floatsOf(kept).contains("unet.conv_out.bias"));
}

TEST_F(TrainBenchTest, takes_the_modules_of_a_training) {
  std::string config = folder() / "train.json", modules = folder() / "modules";
  std::ofstream(config) << json{{"model", wide()}, {"data", "none"},
                                {"output", "run"}, {"steps", 1},
                                {"batch", 2},      {"size", 64}};
  CommandResult made = runBurin({"train", config, "--compile", modules});
  ASSERT_EQ(made.exitStatus, 0) << made.error;
  CommandResult result =
      runBurin({"bench", wide(), "train_step", "--batch", "2", "--height", "8",
                "--width", "8", "--repeat", "1", "--module", modules});
  EXPECT_EQ(result.exitStatus, 0) << result.error;

  result = runBurin({"bench", wide(), "train_step", "--batch", "3", "--height",
                     "8", "--width", "8", "--module", modules});
  EXPECT_EQ(result.exitStatus, 2);
  EXPECT_NE(result.error.find("the step was compiled for [2,8,8,4]"),
            std::string::npos)
      << result.error;
}

TEST_F(TrainBenchTest, refuses_options_of_other_functions) {
  CommandResult result = runBurin({"bench", wide(), "unet", "--parts", "2"});
  EXPECT_EQ(result.exitStatus, 2);
  EXPECT_NE(result.error.find("--parts 2"), std::string::npos) << result.error;
  result = runBurin(training({"--weights", "tests/formats/golden"}));
  EXPECT_EQ(result.exitStatus, 2);
  EXPECT_NE(result.error.find("--weights"), std::string::npos) << result.error;
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
