// SPDX-License-Identifier: Apache-2.0
// Whole edits of a tiny model against diffusers, from text to 8-bit picture.
#include "models/pipeline/edit.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include <nlohmann/json.hpp>

#include "tests/formats/temporary_folder.h"
#include "tests/models/golden_file.h"
#include "tests/models/pipeline/tiny_model.h"

namespace burin::pipeline {
namespace {

using nlohmann::json;

constexpr double kMeanTolerance = 1, kWorstTolerance = 4; // of 255

// One model and one cache of modules for all tests.
class EditTest : public testing::Test {
protected:
  static void SetUpTestSuite() {
    folder_ = new TemporaryFolder;
    golden_ = new GoldenFile("edit.safetensors");
    ASSERT_TRUE(writeTinyModel(*folder_ / "tiny.burin").ok());
    SessionOptions options;
    options.threads = 2;
    options.compile.cacheFolder = *folder_ / "cache";
    auto editor = Editor::open(*folder_ / "tiny.burin", options);
    ASSERT_TRUE(editor.ok()) << editor.status().message();
    editor_ = editor->release();
  }
  static void TearDownTestSuite() {
    delete editor_;
    delete golden_;
    delete folder_;
  }

  static EditRequest request(const json& described) {
    EditRequest request;
    request.instruction = golden_->metadata("prompt");
    request.image = Image(48, 32);
    request.image.pixels = golden_->values<uint8_t>("image", DType::kU8);
    request.steps = std::stoi(golden_->metadata("steps"));
    request.textScale = described["text_scale"];
    request.imageScale = described["image_scale"];
    request.sampler =
        schedule::samplerFromName(described["sampler"].get<std::string>());
    return request;
  }
  static json cases() { return json::parse(golden_->metadata("cases")); }

  static Result<EditResult> edit(const EditRequest& request,
                                 const EditCallback& progress = {}) {
    BURIN_ASSIGN(EditPlan plan, editor_->plan(request));
    return editor_->run(plan, request, progress);
  }
  // The golden noise, as many rows as the request takes.
  static void giveNoise(EditRequest& request) {
    Result<EditPlan> plan = editor_->plan(request);
    ASSERT_TRUE(plan.ok()) << plan.status().message();
    request.noise = golden_->floats("noise");
    size_t rows =
        1 + (plan->schedule.drawsNoise ? plan->schedule.steps.size() : 0);
    request.noise.resize(rows * 4 * 16 * 24);
  }

  static inline TemporaryFolder* folder_ = nullptr;
  static inline GoldenFile* golden_ = nullptr;
  static inline Editor* editor_ = nullptr;
};

TEST_F(EditTest, takes_adapters_without_compiling_again) {
  EditRequest wanted = request(cases()[0]);
  giveNoise(wanted);
  const auto pixelsWith = [&](const std::vector<adapters::AdapterUse>& uses) {
    SessionOptions options;
    options.threads = 2;
    options.compile.cacheFolder = *folder_ / "cache";
    options.compile.onCompile = [] { ADD_FAILURE() << "compiled again"; };
    options.adapters = uses;
    auto editor = Editor::open(*folder_ / "tiny.burin", options);
    EXPECT_TRUE(editor.ok()) << editor.status().message();
    Result<EditPlan> plan = (*editor)->plan(wanted);
    Result<EditResult> result = (*editor)->run(*plan, wanted);
    EXPECT_TRUE(result.ok()) << result.status().message();
    return result.ok() ? result->image.pixels : std::vector<uint8_t>();
  };
  Result<EditResult> own = edit(wanted);
  ASSERT_TRUE(own.ok()) << own.status().message();
  const std::string file =
      std::string(kGoldenFolder) + "lora_diffusers.safetensors";
  EXPECT_EQ(pixelsWith({{file, 0}}), own->image.pixels);
  EXPECT_EQ(pixelsWith({{file, 1}, {file, -1}}), own->image.pixels);
  EXPECT_NE(pixelsWith({{file, 1}}), own->image.pixels);
}

TEST_F(EditTest, equals_diffusers) {
  json described = cases();
  ASSERT_GE(described.size(), 10u);
  for (size_t i = 0; i < described.size(); ++i) {
    SCOPED_TRACE(described[i].dump());
    EditRequest asked = request(described[i]);
    if (described[i].contains("seed"))
      asked.seed = described[i]["seed"]; // drawn as PyTorch draws on a CPU
    else
      giveNoise(asked);
    Result<EditResult> result = edit(asked);
    ASSERT_TRUE(result.ok()) << result.status().message();
    auto expected =
        golden_->values<uint8_t>(std::to_string(i) + ".image", DType::kU8);
    ASSERT_EQ(result->image.pixels.size(), expected.size());
    double sum = 0;
    int worst = 0;
    for (size_t j = 0; j < expected.size(); ++j) {
      int difference = std::abs(result->image.pixels[j] - expected[j]);
      sum += difference;
      worst = std::max(worst, difference);
    }
    double mean = sum / static_cast<double>(expected.size());
    EXPECT_LE(mean, kMeanTolerance);
    EXPECT_LE(worst, kWorstTolerance);
    std::printf("%-60s mean %.4f, worst %d of 255\n",
                described[i].dump().c_str(), mean, worst);
  }
}

TEST_F(EditTest, a_seed_repeats_and_another_differs) {
  EditRequest asked = request(cases()[2]); // one that draws noise
  asked.steps = 3;
  auto pixels = [&](uint64_t seed) {
    asked.seed = seed;
    Result<EditResult> result = edit(asked);
    EXPECT_TRUE(result.ok()) << result.status().message();
    return result.ok() ? result->image.pixels : std::vector<uint8_t>();
  };
  std::vector<uint8_t> first = pixels(1), other = pixels(2);
  EXPECT_EQ(first, pixels(1));
  EXPECT_NE(first, other);
}

TEST_F(EditTest, reports_progress_and_stops_when_told) {
  EditRequest asked = request(cases()[0]);
  asked.steps = 5;
  std::vector<size_t> steps;
  auto stage = EditProgress::Stage::kLoad;
  Result<EditResult> whole = edit(asked, [&](const EditProgress& now) {
    EXPECT_GE(static_cast<int>(now.stage), static_cast<int>(stage));
    stage = now.stage;
    if (now.stage == EditProgress::Stage::kSample)
      steps.push_back(now.step);
    return true;
  });
  ASSERT_TRUE(whole.ok()) << whole.status().message();
  EXPECT_EQ(steps, (std::vector<size_t>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(stage, EditProgress::Stage::kDecode);

  size_t last = 0;
  Result<EditResult> stopped = edit(asked, [&](const EditProgress& now) {
    last = std::max(last, now.step);
    return now.step < 2;
  });
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.status().code(), Code::kCancelled);
  EXPECT_EQ(last, 2u);
}

// Another picture size between two edits of the same request.
TEST_F(EditTest, serves_one_size_after_another) {
  EditRequest asked = request(cases()[0]);
  asked.steps = 2;
  Result<EditResult> before = edit(asked);
  EditRequest small = asked;
  small.size = 24;
  Result<EditResult> between = edit(small);
  Result<EditResult> after = edit(asked);
  ASSERT_TRUE(before.ok() && between.ok() && after.ok());
  EXPECT_EQ(between->image.width, 24);
  EXPECT_EQ(between->image.height, 16);
  EXPECT_EQ(between->source.width, 24);
  EXPECT_EQ(before->image.pixels, after->image.pixels);
}

// What edits do not share: seed, scales, sampler, instruction, picture.
std::vector<EditRequest> differentRequests(const EditRequest& like) {
  std::vector<EditRequest> requests(3, like);
  requests[0].seed = 7;
  requests[1].instruction = "make it red";
  requests[1].textScale = 3;
  requests[1].imageScale = 1; // a branch less
  requests[1].sampler = schedule::SamplerKind::kEulerAncestral;
  requests[2].image.pixels[5] ^= 0xff;
  requests[2].textScale = 1; // and another one less
  requests[2].imageScale = 1;
  requests[2].sampler = schedule::SamplerKind::kDdim;
  for (EditRequest& request : requests)
    request.steps = 4;
  requests[0].sampler = schedule::SamplerKind::kDpmSolver;
  return requests;
}

TEST_F(EditTest, edits_together_equal_edits_alone) {
  std::vector<EditRequest> requests = differentRequests(request(cases()[0]));
  std::vector<EditPlan> plans;
  for (const EditRequest& request : requests) {
    Result<EditPlan> plan = editor_->plan(request);
    ASSERT_TRUE(plan.ok()) << plan.status().message();
    plans.push_back(*std::move(plan));
  }
  auto together = editor_->run(plans, requests);
  ASSERT_TRUE(together.ok()) << together.status().message();
  ASSERT_EQ(together->size(), requests.size());
  for (size_t e = 0; e < requests.size(); ++e) {
    Result<EditResult> alone = edit(requests[e]);
    ASSERT_TRUE(alone.ok()) << alone.status().message();
    EXPECT_EQ((*together)[e].image.pixels, alone->image.pixels) << e;
    EXPECT_EQ((*together)[e].source.pixels, alone->source.pixels) << e;
  }
}

TEST_F(EditTest, edits_of_two_sizes_do_not_run_together) {
  std::vector<EditRequest> requests(2, request(cases()[0]));
  requests[1].size = 24;
  std::vector<EditPlan> plans;
  for (const EditRequest& request : requests)
    plans.push_back(*editor_->plan(request));
  auto together = editor_->run(plans, requests);
  ASSERT_FALSE(together.ok());
  EXPECT_NE(together.status().message().find("24x16"), std::string::npos)
      << together.status().message();
}

TEST_F(EditTest, shows_the_latents_on_the_way) {
  EditRequest asked = request(cases()[0]);
  asked.steps = 5;
  asked.sampler = schedule::SamplerKind::kDdim;
  Result<EditPlan> plan = editor_->plan(asked);
  ASSERT_TRUE(plan.ok()) << plan.status().message();
  std::vector<size_t> steps;
  std::vector<std::vector<float>> seen;
  Preview preview = {2, [&](size_t step, std::span<const float> latents) {
                       steps.push_back(step);
                       seen.emplace_back(latents.begin(), latents.end());
                     }};
  auto result =
      editor_->run(std::span(&*plan, 1), std::span(&asked, 1), {}, preview);
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_EQ(steps, (std::vector<size_t>{2, 4}));
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].size(), 24u * 16 * 4);
  EXPECT_NE(seen[0], seen[1]);
}

} // namespace
} // namespace burin::pipeline
