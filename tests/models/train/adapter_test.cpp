// SPDX-License-Identifier: Apache-2.0
// Adapters of a small UNet: trained as PEFT trains them, and as inputs of the
// network, one a sample.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "models/adapters/targets.h"
#include "models/train/adapter.h"
#include "tests/formats/temporary_folder.h"
#include "tests/models/train/golden_batch.h"
#include "tests/models/train/small_unet.h"

namespace burin::pipeline {
namespace {

using Floats = std::vector<float>;

std::span<const float> floatsOf(const TensorView& tensor) {
  return {reinterpret_cast<const float*>(tensor.data.data()),
          tensor.data.size() / sizeof(float)};
}

// |actual - expected| / |expected|.
double distance(std::span<const float> actual,
                std::span<const float> expected) {
  double difference = 0, norm = 1e-60;
  for (size_t i = 0; i < expected.size(); ++i) {
    difference += std::pow(double{actual[i]} - expected[i], 2);
    norm += std::pow(double{expected[i]}, 2);
  }
  return std::sqrt(difference / norm);
}

class AdapterTest : public testing::Test {
protected:
  static void SetUpTestSuite() {
    folder_ = new TemporaryFolder;
    golden_ = new GoldenFile("lora_train.safetensors");
    batches_ = new std::vector<Batch>;
    ASSERT_TRUE(golden_->ok());
    GoldenFile train("train.safetensors");
    for (size_t i = 0; i < kBatches; ++i)
      batches_->emplace_back(train, i);
    auto json = nlohmann::json::parse(train.metadata("hyper"));
    hyper_ = {json["learning_rate"], json["weight_decay"], json["beta1"],
              json["beta2"],         json["epsilon"],      json["max_norm"],
              json["average_decay"]};
    ASSERT_TRUE(writeSmallUNet(model()).ok());
    adapter_ = nlohmann::json::parse(golden_->metadata("adapter"));
  }
  static void TearDownTestSuite() {
    delete batches_;
    delete golden_;
    delete folder_;
  }

  static std::string model() { return *folder_ / "small.burin"; }

  static Checkpoint checkpoint() {
    auto checkpoint = Checkpoint::open(model());
    EXPECT_TRUE(checkpoint.ok()) << checkpoint.status().message();
    return *std::move(checkpoint);
  }

  static std::vector<std::string> layers() {
    auto patterns = adapter_["targets"].get<std::vector<std::string>>();
    auto layers = adapters::matchLayers(checkpoint().tensors(), patterns);
    EXPECT_TRUE(layers.ok()) << layers.status().message();
    return layers.ok() ? *layers : std::vector<std::string>();
  }

  static double scale() {
    return adapter_["alpha"].get<double>() / adapter_["rank"].get<double>();
  }

  static TrainOptions options() {
    TrainOptions options;
    options.threads = 2;
    options.batch = 2;
    options.height = 8;
    options.width = 6;
    options.tokens = 7;
    options.adapter = {adapter_["rank"], adapter_["alpha"], layers(),
                       adapter_["seed"]};
    options.compile.cacheFolder = *folder_ / "cache";
    return options;
  }

  static std::unique_ptr<TrainSession> open(const TrainOptions& options) {
    auto session = TrainSession::open(checkpoint(), options);
    EXPECT_TRUE(session.ok()) << session.status().message();
    return session.ok() ? *std::move(session) : nullptr;
  }

  static TrainReport step(TrainSession& session, size_t index) {
    TrainReport report;
    Status status =
        session.step((*batches_)[index % kBatches].view(), hyper_, &report);
    EXPECT_TRUE(status.ok()) << status.message();
    return report;
  }

  static TrainedTensors exported(TrainSession& session) {
    auto tensors = session.exportTensors(TrainSession::Weights::kTrained);
    EXPECT_TRUE(tensors.ok()) << tensors.status().message();
    return *std::move(tensors);
  }

  // Of the model's own network on the first batch.
  static double lossWith(const std::vector<adapters::AdapterUse>& adapters) {
    FunctionRequest unet = {"unet", 2, 8, 6, 7};
    SessionOptions session;
    session.threads = 2;
    session.layout = Layout::kNhwc;
    session.adapters = adapters;
    session.compile.cacheFolder = *folder_ / "cache";
    auto opened = Session::open(checkpoint(), {&unet, 1}, session);
    EXPECT_TRUE(opened.ok()) << opened.status().message();
    const FunctionInfo& function = **(*opened)->program().find("unet");
    const Batch& batch = batches_->front();
    Floats sample = noisyBesideSource(batch);
    std::array<std::span<const float>, 3> values = {sample, batch.timestep,
                                                    batch.states};
    std::vector<TensorView> inputs;
    for (size_t i = 0; i < values.size(); ++i) {
      const TensorSpec& spec = function.inputs[i];
      inputs.push_back(
          {spec.name, spec.dtype, spec.shape, std::as_bytes(values[i])});
    }
    const TensorSpec& out = function.outputs.front();
    Floats guess(batch.noise.size());
    OutputView output = {out.name, out.dtype, out.shape,
                         std::as_writable_bytes(std::span(guess))};
    Status status =
        (*opened)->program().run(function, inputs, std::span(&output, 1));
    EXPECT_TRUE(status.ok()) << status.message();
    double sum = 0;
    for (size_t i = 0; i < guess.size(); ++i)
      sum += std::pow(double{guess[i]} - batch.noise[i], 2);
    return sum / static_cast<double>(guess.size());
  }

  static void expectPefts(TrainSession& session, size_t stepsDone);

  static inline TemporaryFolder* folder_ = nullptr;
  static inline GoldenFile* golden_ = nullptr;
  static inline std::vector<Batch>* batches_ = nullptr;
  static inline schedule::HyperParameters hyper_;
  static inline nlohmann::json adapter_;
};

// The golden's losses and norms from step `first` on, then its factors.
void AdapterTest::expectPefts(TrainSession& session, size_t first) {
  constexpr double kLossLimit = 1e-5, kNormLimit = 1e-4, kFactorLimit = 1e-4;
  Floats losses = golden_->floats("losses"), norms = golden_->floats("norms");
  double loss = 0, norm = 0, factor = 0;
  for (size_t i = first; i < losses.size(); ++i) {
    TrainReport report = step(session, i);
    loss = std::max(loss, std::abs(report.loss / losses[i] - 1));
    norm = std::max(norm, std::abs(report.gradientNorm / norms[i] - 1));
  }
  for (const TensorView& tensor : exported(session).tensors) {
    Floats expected = golden_->floats(std::string(tensor.name));
    ASSERT_EQ(floatsOf(tensor).size(), expected.size()) << tensor.name;
    factor = std::max(factor, distance(floatsOf(tensor), expected));
  }
  std::printf("losses %.1e, %.1f %% of the limit; norms %.1e, %.1f %%; factors "
              "%.1e, %.1f %%\n",
              loss, 100 * loss / kLossLimit, norm, 100 * norm / kNormLimit,
              factor, 100 * factor / kFactorLimit);
  EXPECT_LE(loss, kLossLimit);
  EXPECT_LE(norm, kNormLimit);
  EXPECT_LE(factor, kFactorLimit);
}

TEST_F(AdapterTest, learns_as_with_peft) {
  auto session = open(options());
  ASSERT_TRUE(session);
  EXPECT_EQ(session->tensors().size(), 2 * layers().size());
  expectPefts(*session, 0);
}

TEST_F(AdapterTest, learns_in_parts_as_with_peft_at_once) {
  TrainOptions inParts = options();
  inParts.parts = 2;
  auto session = open(inParts);
  ASSERT_TRUE(session);
  expectPefts(*session, 0);
}

TEST_F(AdapterTest, a_state_goes_on_bit_for_bit) {
  auto session = open(options());
  ASSERT_TRUE(session);
  for (size_t i = 0; i < 5; ++i)
    step(*session, i);
  std::string path = *folder_ / "state.burin";
  ASSERT_TRUE(session->saveState(path).ok());
  double next = step(*session, 5).loss;
  auto other = open(options());
  ASSERT_TRUE(other && other->restoreState(path).ok());
  EXPECT_EQ(step(*other, 5).loss, next);
  EXPECT_EQ(exported(*other).storage, exported(*session).storage);
  expectPefts(*other, 6);

  TrainOptions wider = options();
  wider.adapter->rank = 4;
  auto another = open(wider);
  ASSERT_TRUE(another);
  auto refused = another->restoreState(path);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.status().message().find("their tensors differ"),
            std::string::npos)
      << refused.status().message();
}

// Of one layer each: what gradients are left out differs, and the least are
// less than a row of the flat buffers.
TEST_F(AdapterTest, learns_for_any_one_kind_of_layer) {
  for (const char* target : {"to_q", "attn2.to_v", "conv_out", "net.2"}) {
    TrainOptions few = options();
    std::string pattern = target;
    auto found = adapters::matchLayers(checkpoint().tensors(), {&pattern, 1});
    ASSERT_TRUE(found.ok()) << found.status().message();
    few.adapter->layers = *found;
    few.adapter->rank = 1;
    auto session = open(few);
    ASSERT_TRUE(session) << target;
    double first = step(*session, 0).loss;
    for (size_t i = 0; i < 8; ++i)
      step(*session, 0);
    EXPECT_LT(step(*session, 0).loss, first) << target;
  }
}

// What the file makes of the model, against what the step said of itself.
TEST_F(AdapterTest, its_file_merged_is_the_network_that_was_trained) {
  auto session = open(options());
  ASSERT_TRUE(session);
  for (size_t i = 0; i < 5; ++i)
    step(*session, i);
  TrainedTensors trained = exported(*session);
  double loss = step(*session, 0).loss;
  EXPECT_GT(std::abs(lossWith({}) / loss - 1), 1e-2);
  using adapters::Layout;
  for (Layout layout : {Layout::kDiffusers, Layout::kPeft, Layout::kKohya}) {
    std::string file =
        *folder_ / "adapter" + std::to_string(static_cast<int>(layout));
    train::AdapterConfig config = {
        adapter_["rank"], adapter_["alpha"], {}, layout};
    Status written = train::exportAdapter(config, trained, file);
    ASSERT_TRUE(written.ok()) << written.message();
    EXPECT_NEAR(lossWith({{file, 1}}) / loss, 1, 1e-5);
    EXPECT_EQ(lossWith({{file, 0}}), lossWith({}));
  }
}

// Neither moments nor gradients of the network, nor what they would need; its
// weights are there twice, packed for both directions.
TEST_F(AdapterTest, a_frozen_network_takes_less_memory) {
  TrainOptions whole = options();
  whole.adapter.reset();
  auto all = open(whole), few = open(options());
  ASSERT_TRUE(all && few);
  EXPECT_LT(few->parameterCount(), all->parameterCount() / 4);
  EXPECT_LT(few->deviceBytes(), all->deviceBytes() * 7 / 10);
}

TEST_F(AdapterTest, brain_floats_follow_the_floats_losses) {
  TrainOptions narrow = options();
  narrow.precision = "bf16";
  auto session = open(narrow);
  ASSERT_TRUE(session);
  Floats losses = golden_->floats("losses");
  for (size_t i = 0; i < losses.size(); ++i)
    EXPECT_NEAR(step(*session, i).loss / losses[i], 1, 0.03) << "step " << i;
}

TEST_F(AdapterTest, modules_of_another_training_are_refused) {
  auto session = open(options());
  ASSERT_TRUE(session);
  auto begin = [&](const TrainOptions& from) {
    FunctionRequest function = TrainSession::beginning(from).front();
    auto request = compileRequest(checkpoint(), {&function, 1},
                                  {"x86-64-v3", "f32", Layout::kNchw});
    EXPECT_TRUE(request.ok());
    auto module = cachedModule(*request, from.compile);
    EXPECT_TRUE(module.ok()) << module.status().message();
    std::string path = *folder_ / "begin.burinm";
    auto bytes = module->bytes();
    writeText(path,
              {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    return path;
  };
  TrainOptions whole = options(), wrong = options();
  whole.adapter.reset();
  wrong.beginningFile = begin(whole);
  auto refused = TrainSession::open(checkpoint(), wrong);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.status().message().find("of another training"),
            std::string::npos)
      << refused.status().message();
}

} // namespace
} // namespace burin::pipeline
