// SPDX-License-Identifier: Apache-2.0
// A small UNet in training: PyTorch's losses, states that continue, errors.
#include "models/pipeline/train_session.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "formats/checkpoint/writer.h"
#include "tests/formats/temporary_folder.h"
#include "tests/models/train/golden_batch.h"
#include "tests/models/train/small_unet.h"

namespace burin::pipeline {
namespace {

// Examples of any extents, made up.
struct LargeBatch {
  std::vector<float> target, source, states, noise, timestep, signal, level;

  // `tensors` are those of the network.
  LargeBatch(const TrainOptions& options, std::span<const TensorSpec> tensors) {
    auto find = [&](std::string_view name) -> const Shape& {
      return std::ranges::find(tensors, name, &TensorSpec::name)->shape;
    };
    int64_t channels = find("unet.conv_out.weight")[0];
    int64_t context = find("unet.down_blocks.0.attentions.0.transformer_blocks"
                           ".0.attn2.to_k.weight")[1];
    auto waves = [](int64_t count, float rate) {
      std::vector<float> values(count);
      for (int64_t i = 0; i < count; ++i)
        values[i] = std::sin(rate * static_cast<float>(i + 1));
      return values;
    };
    int64_t pixels = options.batch * options.height * options.width * channels;
    target = waves(pixels, 0.7F);
    source = waves(pixels, 1.1F);
    noise = waves(pixels, 2.3F);
    states = waves(options.batch * options.tokens * context, 1.7F);
    timestep.assign(options.batch, 300);
    signal.assign(options.batch, 0.8F);
    level.assign(options.batch, 0.6F);
  }
  TrainBatch view() const {
    return {target, source, states, noise, timestep, signal, level};
  }
};

// One checkpoint, one cache of modules and the golden batches for all tests.
class TrainSessionTest : public testing::Test {
protected:
  static void SetUpTestSuite() {
    folder_ = new TemporaryFolder;
    golden_ = new GoldenFile("train.safetensors");
    ASSERT_TRUE(golden_->ok());
    ASSERT_TRUE(writeSmallUNet(*folder_ / "small.burin").ok());
    batches_ = new std::vector<Batch>;
    for (size_t i = 0; i < kBatches; ++i)
      batches_->emplace_back(*golden_, i);
    auto json = nlohmann::json::parse(golden_->metadata("hyper"));
    hyper_ = {json["learning_rate"], json["weight_decay"], json["beta1"],
              json["beta2"],         json["epsilon"],      json["max_norm"],
              json["average_decay"]};
  }
  static void TearDownTestSuite() {
    delete batches_;
    delete golden_;
    delete folder_;
  }

  static TrainOptions options() {
    TrainOptions options;
    options.threads = 2;
    options.batch = 2;
    options.height = 8;
    options.width = 6;
    options.tokens = 7;
    options.compile.cacheFolder = *folder_ / "cache";
    return options;
  }

  static std::unique_ptr<TrainSession> open(const TrainOptions& options) {
    auto checkpoint = Checkpoint::open(*folder_ / "small.burin");
    EXPECT_TRUE(checkpoint.ok()) << checkpoint.status().message();
    auto session = TrainSession::open(*std::move(checkpoint), options);
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

  static std::vector<std::byte>
  bytesOf(TrainSession& session,
          TrainSession::Weights which = TrainSession::Weights::kTrained) {
    auto tensors = session.exportTensors(which);
    EXPECT_TRUE(tensors.ok()) << tensors.status().message();
    return tensors.ok() ? std::move(tensors->storage)
                        : std::vector<std::byte>();
  }

  // That a step with a NaN in its batch changes nothing.
  static void expectKept(const TrainOptions& options);

  // |actual - expected| / |expected| of each of the `count` trained tensors
  // that the golden file has under `prefix`.
  static void expectTensors(TrainSession& session, const GoldenFile& golden,
                            const std::string& prefix, size_t count) {
    constexpr double kLimit = 1e-4;
    auto tensors = session.exportTensors(TrainSession::Weights::kTrained);
    ASSERT_TRUE(tensors.ok()) << tensors.status().message();
    size_t compared = 0;
    double worst = 0;
    for (const TensorView& tensor : tensors->tensors) {
      std::string name = prefix + std::string(tensor.name);
      if (!golden.has(name))
        continue;
      ++compared;
      std::vector<float> expected = golden.floats(name);
      auto* actual = reinterpret_cast<const float*>(tensor.data.data());
      double difference = 0, norm = 0;
      for (size_t i = 0; i < expected.size(); ++i) {
        difference += std::pow(double{actual[i]} - expected[i], 2);
        norm += std::pow(double{expected[i]}, 2);
      }
      double error = std::sqrt(difference / norm);
      EXPECT_LE(error, kLimit) << name;
      worst = std::max(worst, error);
    }
    std::printf("%s: %zu tensors, %.1e, %.1f %% of the limit\n", prefix.c_str(),
                compared, worst, 100 * worst / kLimit);
    EXPECT_EQ(compared, count);
  }

  // A copy of a state whose parameters are its first moment, so that it is
  // exported by tensor.
  static Status showFirstMoment(const std::string& from,
                                const std::string& to) {
    BURIN_ASSIGN(Checkpoint state, Checkpoint::open(from));
    std::vector<TensorSpec> specs;
    for (const TensorView& tensor : state.tensors())
      specs.push_back({std::string(tensor.name), tensor.dtype,
                       Shape(tensor.shape.begin(), tensor.shape.end())});
    CheckpointWriter::Metadata metadata(state.metadata().begin(),
                                        state.metadata().end());
    BURIN_ASSIGN(CheckpointWriter writer,
                 CheckpointWriter::create(to, specs, std::move(metadata)));
    for (const TensorView& tensor : state.tensors()) {
      bool shown = tensor.name == "parameters";
      BURIN_ASSIGN(TensorView source,
                   state.tensor(shown ? "first_moment" : tensor.name));
      BURIN_TRY(writer.write(source.data));
    }
    return writer.commit();
  }

  static inline TemporaryFolder* folder_ = nullptr;
  static inline GoldenFile* golden_ = nullptr;
  static inline std::vector<Batch>* batches_ = nullptr;
  static inline schedule::HyperParameters hyper_;
};

void expectPyTorchsTraining(TrainSession& session, const GoldenFile& golden,
                            const std::string& prediction,
                            const std::function<TrainReport(size_t)>& step) {
  constexpr double kLossLimit = 1e-5, kNormLimit = 1e-4;
  std::vector<float> losses = golden.floats(prediction + ".losses");
  std::vector<float> norms = golden.floats(prediction + ".norms");
  double worstLoss = 0, worstNorm = 0;
  for (size_t i = 0; i < losses.size(); ++i) {
    TrainReport report = step(i);
    EXPECT_TRUE(report.finite);
    double loss = std::abs(report.loss / losses[i] - 1);
    double norm = std::abs(report.gradientNorm / norms[i] - 1);
    EXPECT_LE(loss, kLossLimit) << "step " << i << ": " << report.loss;
    EXPECT_LE(norm, kNormLimit) << "step " << i << ": " << report.gradientNorm;
    worstLoss = std::max(worstLoss, loss);
    worstNorm = std::max(worstNorm, norm);
  }
  std::printf("%s: losses %.1e, %.1f %% of the limit; norms %.1e, %.1f %%\n",
              prediction.c_str(), worstLoss, 100 * worstLoss / kLossLimit,
              worstNorm, 100 * worstNorm / kNormLimit);
  EXPECT_EQ(session.updates(), static_cast<int64_t>(losses.size()));
}

TEST_F(TrainSessionTest, LearnsNoiseAsPyTorchDoes) {
  auto session = open(options());
  ASSERT_TRUE(session);
  expectPyTorchsTraining(*session, *golden_, "epsilon",
                         [&](size_t i) { return step(*session, i); });
  expectTensors(*session, *golden_, "epsilon.parameters.", 5);
}

TEST_F(TrainSessionTest, LearnsVelocityAsPyTorchDoes) {
  TrainOptions velocity = options();
  velocity.prediction = schedule::Prediction::kVelocity;
  auto session = open(velocity);
  ASSERT_TRUE(session);
  expectPyTorchsTraining(*session, *golden_, "v_prediction",
                         [&](size_t i) { return step(*session, i); });
  expectTensors(*session, *golden_, "v_prediction.parameters.", 5);
}

// One example after another, their gradients added up.
TEST_F(TrainSessionTest, LearnsInPartsAsPyTorchDoesAtOnce) {
  TrainOptions inParts = options();
  inParts.parts = 2;
  auto session = open(inParts);
  ASSERT_TRUE(session);
  expectPyTorchsTraining(*session, *golden_, "epsilon",
                         [&](size_t i) { return step(*session, i); });
  expectTensors(*session, *golden_, "epsilon.parameters.", 5);
}

// Of every parameter: with beta1 = 0 and no clipping they are the first moment.
TEST_F(TrainSessionTest, HasPyTorchsGradients) {
  GoldenFile golden("train_gradients.safetensors");
  ASSERT_TRUE(golden.ok());
  auto session = open(options());
  ASSERT_TRUE(session);
  schedule::HyperParameters plain = hyper_;
  plain.beta1 = 0;
  plain.maxGradientNorm = 0;
  TrainReport report;
  ASSERT_TRUE(session->step((*batches_)[0].view(), plain, &report).ok());
  std::string state = *folder_ / "step.burin";
  std::string shown = *folder_ / "gradients.burin";
  ASSERT_TRUE(session->saveState(state).ok());
  Status status = showFirstMoment(state, shown);
  ASSERT_TRUE(status.ok()) << status.message();
  ASSERT_TRUE(session->restoreState(shown).ok());
  expectTensors(*session, golden, "", session->tensors().size());
}

TEST_F(TrainSessionTest, BeginsWithTheCheckpoint) {
  auto session = open(options());
  ASSERT_TRUE(session);
  int64_t count = 0;
  for (auto which :
       {TrainSession::Weights::kTrained, TrainSession::Weights::kAverage}) {
    auto tensors = session->exportTensors(which);
    ASSERT_TRUE(tensors.ok()) << tensors.status().message();
    auto originals = session->checkpoint().tensors();
    ASSERT_EQ(tensors->tensors.size(), originals.size());
    count = 0;
    for (size_t i = 0; i < originals.size(); ++i) {
      EXPECT_EQ(tensors->tensors[i].name, originals[i].name);
      EXPECT_TRUE(
          std::ranges::equal(tensors->tensors[i].data, originals[i].data))
          << originals[i].name;
      count += *elementCount(originals[i].shape);
    }
  }
  EXPECT_EQ(session->parameterCount(), count);
  EXPECT_EQ(session->updates(), 0);
  EXPECT_GE(session->deviceBytes(), 4 * sizeof(float) * count);
}

TEST_F(TrainSessionTest, BrainFloatsFollowTheFloatsLosses) {
  TrainOptions narrow = options();
  narrow.precision = "bf16";
  auto session = open(narrow);
  ASSERT_TRUE(session);
  std::vector<float> losses = golden_->floats("epsilon.losses");
  for (size_t i = 0; i < losses.size(); ++i)
    EXPECT_NEAR(step(*session, i).loss / losses[i], 1, 0.03) << "step " << i;
}

TEST_F(TrainSessionTest, AStateContinuesBitForBit) {
  auto session = open(options());
  ASSERT_TRUE(session);
  for (size_t i = 0; i < 3; ++i)
    step(*session, i);
  std::string path = *folder_ / "state.burin";
  TrainSession::Metadata extra = {{"example", "12"}};
  ASSERT_TRUE(session->saveState(path, extra).ok());
  double next = step(*session, 3).loss;
  auto weights = bytesOf(*session);
  auto average = bytesOf(*session, TrainSession::Weights::kAverage);
  EXPECT_NE(weights, average);

  auto other = open(options());
  ASSERT_TRUE(other);
  auto restored = other->restoreState(path);
  ASSERT_TRUE(restored.ok()) << restored.status().message();
  EXPECT_EQ(*restored, extra);
  EXPECT_EQ(other->updates(), 3);
  EXPECT_EQ(step(*other, 3).loss, next);
  EXPECT_EQ(bytesOf(*other), weights);
  EXPECT_EQ(bytesOf(*other, TrainSession::Weights::kAverage), average);
}

void TrainSessionTest::expectKept(const TrainOptions& options) {
  auto session = open(options);
  ASSERT_TRUE(session);
  step(*session, 0);
  auto weights = bytesOf(*session);
  auto average = bytesOf(*session, TrainSession::Weights::kAverage);
  Batch broken = (*batches_)[1];
  broken.noise[5] = std::numeric_limits<float>::quiet_NaN();
  TrainReport report;
  ASSERT_TRUE(session->step(broken.view(), hyper_, &report).ok());
  EXPECT_FALSE(report.finite);
  EXPECT_EQ(session->updates(), 1);
  EXPECT_EQ(bytesOf(*session), weights);
  EXPECT_EQ(bytesOf(*session, TrainSession::Weights::kAverage), average);

  auto clean = open(options);
  ASSERT_TRUE(clean);
  step(*clean, 0);
  EXPECT_EQ(step(*session, 1).loss, step(*clean, 1).loss);
  EXPECT_EQ(bytesOf(*session), bytesOf(*clean)); // moments were kept too
}

TEST_F(TrainSessionTest, AStepThatIsNotFiniteChangesNothing) {
  expectKept(options());
}

TEST_F(TrainSessionTest, APartThatIsNotFiniteChangesNothing) {
  TrainOptions inParts = options();
  inParts.parts = 2; // the broken number is in the first
  expectKept(inParts);
}

TEST_F(TrainSessionTest, NamesWhatDoesNotFit) {
  auto session = open(options());
  ASSERT_TRUE(session);
  Batch shorter = (*batches_)[0];
  shorter.states.pop_back();
  TrainReport report;
  Status status = session->step(shorter.view(), hyper_, &report);
  ASSERT_FALSE(status.ok());
  for (const char* part : {"encoder_hidden_states", "167", "[2,7,12]"})
    EXPECT_NE(status.message().find(part), std::string::npos)
        << status.message();

  TrainOptions uneven = options();
  uneven.parts = 3;
  auto checkpoint = Checkpoint::open(*folder_ / "small.burin");
  ASSERT_TRUE(checkpoint.ok());
  auto threes = TrainSession::open(*std::move(checkpoint), uneven);
  ASSERT_FALSE(threes.ok());
  EXPECT_NE(threes.status().message().find("2 does not go in 3"),
            std::string::npos)
      << threes.status().message();

  std::string path = *folder_ / "small.burin";
  auto none = session->restoreState(path);
  ASSERT_FALSE(none.ok());
  EXPECT_NE(none.status().message().find("not a state of training"),
            std::string::npos);

  auto weights = bytesOf(*session);
  path = *folder_ / "other.burin";
  auto writer = CheckpointWriter::create(
      path, {}, {{"train.layout", "0"}, {"train.updates", "1"}});
  ASSERT_TRUE(writer.ok() && writer->commit().ok());
  auto other = session->restoreState(path);
  ASSERT_FALSE(other.ok());
  EXPECT_NE(other.status().message().find("another network"),
            std::string::npos);
  EXPECT_EQ(bytesOf(*session), weights);
}

// Values computed again are the same bits in float32, and take less memory.
TEST_F(TrainSessionTest, FitsIntoABudget) {
  for (const char* precision : {"f32", "bf16"}) {
    TrainOptions keeping = options();
    keeping.precision = precision;
    // Large enough that activations, not parameters, are the peak.
    keeping.height = keeping.width = 64;
    TrainMemory kept, fitted;
    keeping.onMemory = [&](const TrainMemory& memory) { kept = memory; };
    auto first = open(keeping);
    ASSERT_TRUE(first);
    EXPECT_EQ(kept.repeated, 0u);
    TrainOptions fitting = keeping;
    size_t budget = kept.fixed + kept.working * 3 / 4;
    fitting.memoryBudget = static_cast<int64_t>(budget >> 20);
    fitting.onMemory = [&](const TrainMemory& memory) { fitted = memory; };
    auto second = open(fitting);
    ASSERT_TRUE(second);
    EXPECT_EQ(fitted.fixed, kept.fixed);
    EXPECT_LE(fitted.fixed + fitted.working, budget);
    EXPECT_GT(fitted.repeated, 0u);
    std::printf("%s: %.1f MB for %.1f, %zu steps again, %.1f %% more work\n",
                precision, fitted.working / 1e6, kept.working / 1e6,
                fitted.repeated, 100 * fitted.work);
    LargeBatch batch(keeping, first->tensors());
    for (int i = 0; i < 2; ++i) {
      TrainReport a, b;
      ASSERT_TRUE(first->step(batch.view(), hyper_, &a).ok());
      ASSERT_TRUE(second->step(batch.view(), hyper_, &b).ok());
      EXPECT_TRUE(a.finite);
      // One rounding to bf16 for what is fused where it was kept before.
      double rounding = keeping.precision == "f32" ? 0 : 1.0 / 512;
      EXPECT_NEAR(a.loss, b.loss, rounding * a.loss);
      EXPECT_NEAR(a.gradientNorm, b.gradientNorm, rounding * a.gradientNorm);
    }
    if (keeping.precision == "f32") {
      EXPECT_TRUE(bytesOf(*first) == bytesOf(*second));
    }
  }
}

TEST_F(TrainSessionTest, SaysHowFarABudgetIsOff) {
  TrainOptions tight = options();
  tight.memoryBudget = 1;
  auto session =
      TrainSession::open(*Checkpoint::open(*folder_ / "small.burin"), tight);
  ASSERT_FALSE(session.ok());
  EXPECT_THAT(session.status().message(),
              testing::HasSubstr("more than its memory budget of 0.00 GiB"));
  EXPECT_THAT(session.status().message(), testing::HasSubstr("train_step"));
}

} // namespace
} // namespace burin::pipeline
