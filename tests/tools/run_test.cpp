// SPDX-License-Identifier: Apache-2.0
// `burin compile`, `run` and `inspect` on a tiny model, against PyTorch.
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "formats/safetensors/safetensors.h"
#include "tests/robustness/command.h"

namespace burin {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const std::string kGolden = "tests/tools/golden/";

class RunTest : public testing::Test {
protected:
  static void SetUpTestSuite() {
    folder() = fs::temp_directory_path() /
               ("burin_run_test_" + std::to_string(getpid()));
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
  static std::string out() { return folder() / "out.safetensors"; }

  // Runs and returns what --json prints.
  static json run(const std::string& function, const std::string& inputs,
                  std::vector<std::string> more = {}) {
    fs::remove(out());
    std::vector<std::string> arguments = {"run",      model(), function,
                                          "--inputs", inputs,  "--outputs",
                                          out(),      "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    CommandResult result = runBurin(arguments);
    EXPECT_EQ(result.exitStatus, 0) << result.error;
    return json::parse(result.output, nullptr, false);
  }

  // |ours - golden| / |golden| of each output.
  static void expectGolden(const std::string& function) {
    auto ours = SafetensorsFile::open(out());
    auto golden =
        SafetensorsFile::open(kGolden + function + ".outputs.safetensors");
    ASSERT_TRUE(ours.ok() && golden.ok());
    EXPECT_EQ(ours->tensors().size(), golden->tensors().size());
    for (const TensorView& want : golden->tensors()) {
      const TensorView* got = ours->find(want.name);
      ASSERT_NE(got, nullptr) << want.name;
      ASSERT_TRUE(std::ranges::equal(got->shape, want.shape)) << want.name;
      double difference = 0, norm = 0;
      for (size_t i = 0; i < want.data.size(); i += sizeof(float)) {
        float a, b;
        std::memcpy(&a, got->data.data() + i, sizeof(float));
        std::memcpy(&b, want.data.data() + i, sizeof(float));
        difference += (double{a} - b) * (double{a} - b);
        norm += double{b} * b;
      }
      double error = std::sqrt(difference / norm);
      constexpr double kTolerance = 1e-5;
      EXPECT_LE(error, kTolerance) << function << " " << want.name;
      RecordProperty(function + "_" + std::string(want.name),
                     std::to_string(error / kTolerance));
    }
  }

  // The golden inputs with one tensor changed.
  static std::string changedInputs(const std::string& function,
                                   const TensorView& changed) {
    auto golden =
        SafetensorsFile::open(kGolden + function + ".inputs.safetensors");
    std::vector<TensorView> tensors(golden->tensors().begin(),
                                    golden->tensors().end());
    for (TensorView& tensor : tensors)
      if (tensor.name == changed.name)
        tensor = changed;
    std::string path = folder() / "changed.safetensors";
    EXPECT_TRUE(writeSafetensors(path, tensors).ok());
    return path;
  }

  static void expectRefused(const std::string& function,
                            const std::string& inputs,
                            const std::vector<std::string>& parts) {
    fs::remove(out());
    CommandResult result = runBurin(
        {"run", model(), function, "--inputs", inputs, "--outputs", out()});
    EXPECT_EQ(result.exitStatus, 2);
    for (const std::string& part : parts)
      EXPECT_NE(result.error.find(part), std::string::npos)
          << "'" << part << "' is not in: " << result.error;
    EXPECT_FALSE(fs::exists(out()));
  }
};

TEST_F(RunTest, EqualsPyTorch) {
  for (const char* function :
       {"unet", "vae_encoder", "vae_decoder", "text_encoder"}) {
    json report = run(function, kGolden + function + ".inputs.safetensors");
    EXPECT_GT(report["run_seconds"], 0);
    expectGolden(function);
  }
}

TEST_F(RunTest, ThreadsDoNotChangeABit) {
  const std::string inputs = kGolden + "unet.inputs.safetensors";
  std::string bytes[2];
  for (int i = 0; i < 2; ++i) {
    run("unet", inputs, {"--threads", i == 0 ? "1" : "4"});
    auto file = readTextFile(out(), 1 << 20);
    ASSERT_TRUE(file.ok());
    bytes[i] = *file;
  }
  EXPECT_EQ(bytes[0], bytes[1]);
}

TEST_F(RunTest, ProfileCoversTheRun) {
  json report = run("unet", kGolden + "unet.inputs.safetensors",
                    {"--profile", "--repeat", "3"});
  double sum = 0;
  size_t steps = 0;
  for (const json& row : report["profile"]["kernels"]) {
    sum += row["seconds"].get<double>();
    steps += row["steps"].get<size_t>();
  }
  EXPECT_EQ(steps, report["steps"].get<size_t>());
  EXPECT_LE(sum, report["run_seconds"].get<double>());
  EXPECT_GT(sum, 0.5 * report["run_seconds"].get<double>());
}

TEST_F(RunTest, NumbersAreConverted) {
  const std::array<double, 2> timestep = {5, 900};
  const std::array<int64_t, 1> shape = {2};
  run("unet", changedInputs("unet", {"timestep", DType::kF64, shape,
                                     std::as_bytes(std::span(timestep))}));
  expectGolden("unet");
  const std::array<int64_t, 2> whole = {5, 900};
  run("unet", changedInputs("unet", {"timestep", DType::kI64, shape,
                                     std::as_bytes(std::span(whole))}));
  expectGolden("unet");
}

TEST_F(RunTest, WrongTensorsAreNamed) {
  const std::array<float, 3> three = {};
  const std::array<int64_t, 1> shape = {3};
  expectRefused("unet",
                changedInputs("unet", {"timestep", DType::kF32, shape,
                                       std::as_bytes(std::span(three))}),
                {"'unet' takes", "'timestep' f32[2]", "'timestep' f32[3]"});
  expectRefused("vae_decoder", kGolden + "vae_encoder.inputs.safetensors",
                {"'latent' [batch,channels,height,width] is missing",
                 "'image' f32[1,3,16,32]"});
  const std::array<float, 60> floats = {};
  const std::array<int64_t, 2> ids = {3, 20};
  expectRefused(
      "text_encoder",
      changedInputs("text_encoder", {"input_ids", DType::kF32, ids,
                                     std::as_bytes(std::span(floats))}),
      {"'input_ids' is f32 where integers (i64) are needed"});
  const std::array<float, 4 * 2 * 3> latent = {};
  const std::array<int64_t, 3> rank = {4, 2, 3};
  expectRefused(
      "vae_decoder",
      changedInputs("vae_decoder", {"latent", DType::kF32, rank,
                                    std::as_bytes(std::span(latent))}),
      {"'latent' f32[4,2,3]", "[batch,channels,height,width]"});
}

TEST_F(RunTest, CompiledAheadAndInspected) {
  std::string module = folder() / "decoder.burinm";
  auto compile = [&](const char* more) {
    CommandResult made =
        runBurin({"compile", model(), "--function", "vae_decoder", "--height",
                  "2", "--width", "3", "-o", module, "--json", more});
    EXPECT_EQ(made.exitStatus, 0) << made.error;
    return json::parse(made.output, nullptr, false);
  };
  EXPECT_EQ(compile("--no-cache")["from_cache"], false);
  compile("--precision=f32");
  EXPECT_EQ(compile("--precision=f32")["from_cache"], true);

  // The module serves without any compiler.
  setenv("BURIN_COMPILER", "/nowhere", 1);
  run("vae_decoder", kGolden + "vae_decoder.inputs.safetensors",
      {"--module", module});
  unsetenv("BURIN_COMPILER");
  expectGolden("vae_decoder");

  CommandResult shown = runBurin({"inspect", module, "--json"});
  ASSERT_EQ(shown.exitStatus, 0) << shown.error;
  json description = json::parse(shown.output, nullptr, false);
  EXPECT_EQ(description["kind"], "module");
  bool found = false;
  for (const json& function : description["functions"])
    if (function["name"] == "vae_decoder") {
      found = true;
      EXPECT_EQ(function["inputs"][0]["shape"], json({1, 4, 2, 3}));
      EXPECT_GT(function["memory"]["arena"], 0);
      EXPECT_FALSE(function["steps"].empty());
    }
  EXPECT_TRUE(found);

  // A module for other shapes says what it takes.
  CommandResult other = runBurin({"run", model(), "vae_encoder", "--inputs",
                                  kGolden + "vae_encoder.inputs.safetensors",
                                  "--outputs", out(), "--module", module});
  EXPECT_EQ(other.exitStatus, 2);
  EXPECT_NE(other.error.find("no function 'vae_encoder'; it has "
                             "'vae_decoder'"),
            std::string::npos)
      << other.error;
}

TEST_F(RunTest, InspectDescribesTheModel) {
  CommandResult shown = runBurin({"inspect", model(), "--json", "--top", "3"});
  ASSERT_EQ(shown.exitStatus, 0) << shown.error;
  json description = json::parse(shown.output, nullptr, false);
  EXPECT_EQ(description["kind"], "checkpoint");
  EXPECT_EQ(description["components"].size(), 3u);
  EXPECT_EQ(description["largest"].size(), 3u);
  EXPECT_EQ(description["metadata"]["architecture"], "instruct_pix2pix");
  CommandResult text = runBurin({"inspect", model()});
  EXPECT_NE(text.output.find("unet: 684 tensors"), std::string::npos)
      << text.output;
}

} // namespace
} // namespace burin
