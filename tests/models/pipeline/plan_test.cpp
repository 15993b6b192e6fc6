// SPDX-License-Identifier: Apache-2.0
// Requests and models that cannot work are refused before any work.
#include "models/pipeline/plan.h"

#include <cmath>

#include "tests/formats/temporary_folder.h"
#include "tests/models/pipeline/tiny_model.h"

namespace burin::pipeline {
namespace {

struct Model {
  ModelInfo info;
  text::ClipTokenizer tokenizer;
};

Result<Model> openTiny(const Metadata& changes = {}) {
  TemporaryFolder folder;
  BURIN_TRY(writeTinyModel(folder / "tiny.burin", changes));
  BURIN_ASSIGN(Checkpoint checkpoint, Checkpoint::open(folder / "tiny.burin"));
  BURIN_ASSIGN(ModelInfo info, readModelInfo(checkpoint));
  BURIN_ASSIGN(text::ClipTokenizer tokenizer, readTokenizer(checkpoint));
  return Model{std::move(info), std::move(tokenizer)};
}

EditRequest validRequest() {
  EditRequest request;
  request.instruction = "make it red";
  request.image = Image(96, 64, 100);
  return request;
}

TEST(EditPlan, follows_from_model_and_request) {
  Result<Model> model = openTiny();
  ASSERT_TRUE(model.ok()) << model.status().message();
  EXPECT_EQ(model->info.stride(), 4);
  Result<EditPlan> plan =
      planEdit(model->info, model->tokenizer, validRequest());
  ASSERT_TRUE(plan.ok()) << plan.status().message();
  EXPECT_EQ(plan->extent, (Extent{48, 32})); // sample_size 24, stride 2
  EXPECT_EQ(plan->latent, (Extent{24, 16}));
  EXPECT_EQ(plan->branches.size(), 3u);
  EXPECT_EQ(plan->schedule.steps.size(), 21u); // PNDM: one more than 20
  EXPECT_EQ(plan->instruction.ids.size(), 77u);
}

TEST(EditPlan, takes_the_defaults_of_the_model) {
  Result<Model> model = openTiny(
      {{"edit.config", R"({"num_inference_steps": 4, "guidance_scale": 1,
             "image_guidance_scale": 1, "size": 32, "sampler": "euler"})"}});
  ASSERT_TRUE(model.ok()) << model.status().message();
  Result<EditPlan> plan =
      planEdit(model->info, model->tokenizer, validRequest());
  ASSERT_TRUE(plan.ok()) << plan.status().message();
  EXPECT_EQ(plan->sampler, schedule::SamplerKind::kEuler);
  EXPECT_EQ(plan->schedule.steps.size(), 4u);
  EXPECT_EQ(plan->branches.size(), 1u);
  EXPECT_EQ(plan->extent, (Extent{36, 24}));
}

struct BadRequest {
  void (*change)(EditRequest&);
  const char* message; // a part of it
};

TEST(EditPlan, impossible_requests_are_explained) {
  Result<Model> model = openTiny();
  ASSERT_TRUE(model.ok()) << model.status().message();
  const BadRequest kBad[] = {
      {[](auto& r) { r.instruction = ""; }, "instruction is empty"},
      {[](auto& r) { r.instruction = " \t\n"; }, "instruction is empty"},
      {[](auto& r) { r.instruction = std::string(200, '!'); }, "77; shorten"},
      {[](auto& r) { r.steps = 0; }, "number of steps is 0"},
      {[](auto& r) { r.steps = -1; }, "number of steps is -1"},
      {[](auto& r) { r.steps = 5000; }, "from 1 to 1000"},
      {[](auto& r) { r.textScale = -1; }, "text scale is -1"},
      {[](auto& r) { r.textScale = NAN; }, "from 0 to 1000"},
      {[](auto& r) { r.imageScale = INFINITY; }, "image scale is inf"},
      {[](auto& r) { r.size = 1; }, "size is 1 pixels"},
      {[](auto& r) { r.size = 100000; }, "from 4 to 4096"},
      {[](auto& r) { r.eta = 2; }, "eta is 2"},
      {[](auto& r) {
         r.noise = {1, 2};
       },
       "1 x 4 x 16 x 24"},
  };
  for (const BadRequest& bad : kBad) {
    EditRequest request = validRequest();
    bad.change(request);
    Result<EditPlan> plan = planEdit(model->info, model->tokenizer, request);
    ASSERT_FALSE(plan.ok()) << bad.message;
    EXPECT_EQ(plan.status().code(), Code::kInvalidArgument);
    EXPECT_NE(plan.status().message().find(bad.message), std::string::npos)
        << plan.status().message();
  }
}

TEST(EditPlan, long_text_is_cut_only_when_asked) {
  Result<Model> model = openTiny();
  ASSERT_TRUE(model.ok()) << model.status().message();
  EditRequest request = validRequest();
  request.instruction = std::string(200, '!');
  request.cutLongText = true;
  Result<EditPlan> plan = planEdit(model->info, model->tokenizer, request);
  ASSERT_TRUE(plan.ok()) << plan.status().message();
  EXPECT_FALSE(plan->instruction.cut.empty());
}

struct BadModel {
  const char* key;
  const char* value; // empty: without the key
  const char* message;
};

class BadModels : public testing::TestWithParam<BadModel> {};

TEST_P(BadModels, are_explained) {
  Result<Model> model = openTiny({{GetParam().key, GetParam().value}});
  ASSERT_FALSE(model.ok());
  EXPECT_NE(model.status().message().find(GetParam().message),
            std::string::npos)
      << model.status().message();
}

INSTANTIATE_TEST_SUITE_P(
    All, BadModels,
    testing::Values(
        BadModel{"architecture", "", "no 'architecture'"},
        BadModel{"architecture", "flux", "'flux'"},
        BadModel{"unet.config", "", "no 'unet.config'"},
        BadModel{"unet.config", "{", "not a JSON object"},
        BadModel{"unet.config", "{}", "'block_out_channels'"},
        BadModel{"unet.config",
                 R"({"block_out_channels": [1], "cross_attention_dim": 24,
                     "in_channels": 4})",
                 "reads 4 channels"},
        BadModel{"unet.config",
                 R"({"block_out_channels": [1], "cross_attention_dim": 768,
                     "in_channels": 8})",
                 "do not belong together"},
        BadModel{"vae.config", R"({"block_out_channels": [1]})",
                 "lacks 'latent_channels'"},
        BadModel{"vae.config",
                 R"({"block_out_channels": [1], "latent_channels": 4,
                     "scaling_factor": 0})",
                 "'scaling_factor'"},
        BadModel{"vae.config",
                 R"({"block_out_channels": [1], "latent_channels": 4,
                     "shift_factor": 1})",
                 "'shift_factor'"},
        BadModel{"text_encoder.config", "[]", "not a JSON object"},
        BadModel{"scheduler.config", "", "no 'scheduler.config'"},
        BadModel{"scheduler.config", R"({"_class_name": "Heun"})", "Heun"},
        BadModel{"tokenizer.vocab", "", "no 'tokenizer.vocab'"},
        BadModel{"tokenizer.merges", "a", "line 1"},
        BadModel{"edit.config", R"({"sampler": "magic"})", "\"magic\""},
        BadModel{"edit.config", R"({"num_inference_steps": 0})",
                 "'num_inference_steps'"}));

} // namespace
} // namespace burin::pipeline
