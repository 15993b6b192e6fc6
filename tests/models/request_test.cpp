// SPDX-License-Identifier: Apache-2.0
// Requests that cannot be served end with a message that names the key, the
// value and what would be right.
#include "models/graph/build.h"

#include <gtest/gtest.h>

namespace burin::models {
namespace {

using nlohmann::json;

json unetRequest() {
  return json::parse(R"({
    "architecture": "instruct_pix2pix", "target": "x86-64-v3",
    "precision": "f32",
    "components": {"unet": {"dtype": "f32", "config": {
      "_class_name": "UNet2DConditionModel", "in_channels": 8,
      "block_out_channels": [8, 16], "layers_per_block": 1,
      "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"],
      "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"],
      "norm_num_groups": 4, "cross_attention_dim": 12,
      "attention_head_dim": 2, "time_cond_proj_dim": null}}},
    "functions": [{"component": "unet", "name": "unet", "batch": 3,
                   "height": 8, "width": 6, "tokens": 7}]})");
}

json textRequest() {
  return json::parse(R"({
    "architecture": "instruct_pix2pix",
    "components": {"text_encoder": {"config": {
      "vocab_size": 99, "hidden_size": 24, "num_attention_heads": 3,
      "num_hidden_layers": 1, "intermediate_size": 32,
      "max_position_embeddings": 7}}},
    "functions": [{"component": "text_encoder", "name": "text_encoder",
                   "tokens": 7}]})");
}

json vaeRequest() {
  return json::parse(R"({
    "architecture": "instruct_pix2pix",
    "components": {"vae": {"config": {
      "block_out_channels": [8, 16], "norm_num_groups": 4,
      "down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D"],
      "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D"]}}},
    "functions": [{"component": "vae", "name": "vae_encoder",
                   "height": 8, "width": 8}]})");
}

json editRequest() {
  json request = unetRequest();
  request["functions"][0]["name"] = "edit_step";
  request["functions"][0]["invariant"] = {"encoder_hidden_states"};
  request["functions"][0]["branches"] = {"text+picture", "none"};
  return request;
}

json adapterRequest() {
  json request = unetRequest();
  request["functions"][0]["adapter"] = {{"rank", 4}, {"layers", {"conv_in"}}};
  return request;
}

json trainRequest() {
  json request = unetRequest();
  request["functions"][0]["name"] = "train_step";
  request["functions"][0]["prediction"] = "v_prediction";
  request["functions"][0]["decay"] = "all";
  return request;
}

Status buildStatus(const std::string& text) {
  Result<CompileRequest> request = parseCompileRequest(text);
  if (!request.ok())
    return request.status();
  mlir::MLIRContext context;
  return buildModule(context, *request).status();
}

struct BadRequest {
  const char* name;
  json (*base)();
  const char* pointer; // what to set in it
  const char* value;
  const char* message; // part of the error
};

class RequestError : public testing::TestWithParam<BadRequest> {};

TEST_P(RequestError, NamesTheCause) {
  const BadRequest& bad = GetParam();
  json request = bad.base();
  ASSERT_TRUE(buildStatus(request.dump()).ok())
      << buildStatus(request.dump()).message();
  request[json::json_pointer(bad.pointer)] = json::parse(bad.value);
  Status status = buildStatus(request.dump());
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.message().find(bad.message), std::string::npos)
      << status.message();
}

#define UNET "/components/unet/config/"
#define TEXT "/components/text_encoder/config/"
#define VAE "/components/vae/config/"

INSTANTIATE_TEST_SUITE_P(
    Requests, RequestError,
    testing::Values(
        BadRequest{"architecture", unetRequest, "/architecture", "\"flux\"",
                   "architecture is 'flux', and Burin supports "
                   "'instruct_pix2pix'"},
        BadRequest{"precision", unetRequest, "/precision", "\"f64\"",
                   "precision is \"f64\", and Burin supports \"f32\""},
        BadRequest{"half_on_a_processor", unetRequest, "/precision", "\"f16\"",
                   "which Burin supports on cards"},
        BadRequest{"branch", editRequest, "/functions/0/branches/1",
                   "\"sound\"", "'branches' is"},
        BadRequest{"no_branch", editRequest, "/functions/0/branches", "[]",
                   "'branches' is [], and Burin supports a list"},
        BadRequest{"no_picture", editRequest, UNET "in_channels", "4",
                   "a sample and a picture of its 4 channels; this one reads "
                   "4"},
        BadRequest{"no_source", trainRequest, UNET "in_channels", "4",
                   "'train_step' needs a network that reads a sample and a "
                   "picture of its 4 channels; this one reads 4"},
        BadRequest{"odd_latents", trainRequest, "/functions/0/height", "3",
                   "'train_step' takes extents that are multiples of 2"},
        BadRequest{"prediction", trainRequest, "/functions/0/prediction",
                   "\"sample\"",
                   "'prediction' is \"sample\", and Burin "
                   "supports \"epsilon\" and \"v_prediction\""},
        BadRequest{"decay", trainRequest, "/functions/0/decay", "\"none\"",
                   "'decay' is \"none\", and Burin supports \"weights\" and "
                   "\"all\""},
        BadRequest{"adapter", adapterRequest, "/functions/0/adapter", "3",
                   "functions[0].adapter is not a JSON object"},
        BadRequest{"adapter_rank", adapterRequest, "/functions/0/adapter/rank",
                   "100000",
                   "'rank' is 100000, and Burin supports values from 1 to"},
        BadRequest{"adapter_layers", adapterRequest,
                   "/functions/0/adapter/layers", "[]", "'layers' is []"},
        BadRequest{"adapter_layer", adapterRequest,
                   "/functions/0/adapter/layers/0", "\"conv_on\"",
                   "no layer 'unet.conv_on' for an adapter"},
        BadRequest{"adapter_of_text", textRequest, "/functions/0/adapter",
                   R"({"rank": 4, "layers": ["conv_in"]})",
                   "of component 'text_encoder', and \"adapter\" is for the "
                   "unet"},
        BadRequest{"no_adapter", unetRequest, "/functions/0/name",
                   "\"edit_adapters\"",
                   "'edit_adapters' needs \"adapter\" in its request"},
        BadRequest{"unknown_key", unetRequest, "/speed", "9",
                   "'speed' is 9, a key Burin does not know"},
        BadRequest{"no_components", unetRequest, "/components", "[]",
                   "no \"components\" object"},
        BadRequest{"config_type", unetRequest, "/components/unet/config", "3",
                   "unet.config is not a JSON object"},
        BadRequest{"dtype", unetRequest, "/components/unet/dtype", "\"i64\"",
                   "components.unet.dtype is \"i64\""},
        BadRequest{"no_functions", unetRequest, "/functions", "[]",
                   "not a list of at least one function"},
        BadRequest{"unknown_component", unetRequest, "/functions/0/component",
                   "\"vae\"", "component 'vae', which the request does not"},
        BadRequest{"unknown_function", unetRequest, "/functions/0/name",
                   "\"fly\"", "no function 'fly' of component 'unet'"},
        BadRequest{"batch", unetRequest, "/functions/0/batch", "0",
                   "'batch' is 0, and Burin supports"},
        BadRequest{"negative", unetRequest, "/functions/0/height", "-8",
                   "'height' is -8"},
        BadRequest{"huge", unetRequest, "/functions/0/width", "1000000",
                   "'width' is 1000000, and Burin supports values from 1 to "
                   "16384"},
        BadRequest{"odd", unetRequest, "/functions/0/width", "7",
                   "multiples of 2, not 8x7"},
        BadRequest{"layout", unetRequest, "/functions/0/layout", "\"chwn\"",
                   "'layout' is \"chwn\", and Burin supports \"nhwc\""}),
    [](const auto& info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(
    UNet, RequestError,
    testing::Values(
        BadRequest{"block", unetRequest, UNET "down_block_types",
                   R"(["AttnDownBlock2D", "DownBlock2D"])",
                   "supports 'DownBlock2D' and 'CrossAttnDownBlock2D'"},
        BadRequest{"levels", unetRequest, UNET "block_out_channels", "[8]",
                   "has 1 levels, down_block_types 2"},
        BadRequest{"heads", unetRequest, UNET "attention_head_dim", "3",
                   "asks for 3 heads over 8 channels"},
        BadRequest{"groups", unetRequest, UNET "norm_num_groups", "5",
                   "not a multiple of norm_num_groups 5"},
        BadRequest{"no_norm", unetRequest, UNET "norm_num_groups", "null",
                   "'norm_num_groups' is null"},
        BadRequest{"activation", unetRequest, UNET "act_fn", "\"mish\"",
                   "'act_fn' is \"mish\""},
        BadRequest{"time_condition", unetRequest, UNET "time_cond_proj_dim",
                   "256",
                   "'time_cond_proj_dim' is 256, and Burin supports "
                   "only null"},
        BadRequest{"added", unetRequest, UNET "addition_embed_type",
                   "\"text_time\"", "'addition_embed_type' is \"text_time\""},
        BadRequest{"shift", unetRequest, UNET "resnet_time_scale_shift",
                   "\"scale_shift\"", "supports only \"default\""},
        BadRequest{"middle", unetRequest, UNET "mid_block_type", "null",
                   "'mid_block_type' is null"},
        BadRequest{"contexts", unetRequest, UNET "cross_attention_dim",
                   "[12, 16]", "the same width at every level"},
        BadRequest{"kernel", unetRequest, UNET "conv_in_kernel", "4",
                   "'conv_in_kernel' is 4, and Burin supports odd sizes"},
        BadRequest{"padding", unetRequest, UNET "downsample_padding", "2",
                   "'downsample_padding' is 2, and Burin supports 0 and 1"},
        BadRequest{"frequency", unetRequest, UNET "freq_shift", "4",
                   "'freq_shift' is 4"},
        BadRequest{"unknown", unetRequest, UNET "use_magic", "true",
                   "'use_magic' is true, a key Burin does not know"}),
    [](const auto& info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Text, RequestError,
    testing::Values(BadRequest{"activation", textRequest, TEXT "hidden_act",
                               "\"relu\"", "'hidden_act' is \"relu\""},
                    BadRequest{"heads", textRequest, TEXT "num_attention_heads",
                               "5",
                               "is 5, which does not divide hidden_size 24"},
                    BadRequest{"tokens", textRequest, "/functions/0/tokens",
                               "8", "at most 7 tokens, not 8"},
                    BadRequest{"model", textRequest, TEXT "model_type",
                               "\"t5\"", "'model_type' is \"t5\""},
                    BadRequest{"layers", textRequest, TEXT "num_hidden_layers",
                               "1.5", "'num_hidden_layers' is 1.5"}),
    [](const auto& info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Vae, RequestError,
    testing::Values(
        BadRequest{"block", vaeRequest, VAE "down_block_types",
                   R"(["DownEncoderBlock2D", "AttnDownEncoderBlock2D"])",
                   "supports only \"DownEncoderBlock2D\""},
        BadRequest{"levels", vaeRequest, VAE "up_block_types",
                   R"(["UpDecoderBlock2D"])", "one block for each of the 2"},
        BadRequest{"groups", vaeRequest, VAE "norm_num_groups", "32",
                   "not a multiple of norm_num_groups 32"},
        BadRequest{"odd", vaeRequest, "/functions/0/height", "9",
                   "multiples of 2, not 9x8"},
        BadRequest{"channels", vaeRequest, VAE "block_out_channels", "[]",
                   "'block_out_channels' is []"}),
    [](const auto& info) { return info.param.name; });

TEST(Request, ErrorsOfTheWholeText) {
  EXPECT_EQ(buildStatus("{").message(), "the compile request is not JSON");
  EXPECT_EQ(buildStatus("[]").message(),
            "the compile request is not a JSON object");
  json twice = unetRequest();
  twice["functions"].push_back(twice["functions"][0]);
  EXPECT_NE(buildStatus(twice.dump()).message().find("requested twice"),
            std::string::npos);
  json missing = unetRequest();
  missing["functions"][0].erase("tokens");
  EXPECT_EQ(buildStatus(missing.dump()).message(),
            "function 'unet' needs \"tokens\" of its input");
}

} // namespace
} // namespace burin::models
