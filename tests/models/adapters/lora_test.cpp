// SPDX-License-Identifier: Apache-2.0
// Every layout that adapters are published in, and what must stop one.
#include "models/adapters/lora.h"

#include <fstream>

#include "formats/checkpoint/checkpoint.h"
#include "tests/models/adapters/small_model.h"

namespace burin::adapters {
namespace {

class LoraTest : public testing::Test {
protected:
  void SetUp() override {
    writeModel(folder_ / "model.burin");
    auto opened = Checkpoint::open(folder_ / "model.burin");
    ASSERT_TRUE(opened.ok()) << opened.status().message();
    model_.emplace(*std::move(opened));
  }

  Result<Adapter> open(const std::vector<Tensor>& tensors,
                       const StringMap& metadata = {}) {
    writeAdapter(folder_ / "lora.safetensors", tensors, metadata);
    return Adapter::open(folder_ / "lora.safetensors", model_->tensors());
  }

  // The message of an adapter that must not open.
  std::string refusal(const std::vector<Tensor>& tensors,
                      const StringMap& metadata = {}) {
    Result<Adapter> adapter = open(tensors, metadata);
    return adapter.ok() ? "it opened" : adapter.status().message();
  }

  TemporaryFolder folder_;
  std::optional<Checkpoint> model_;
};

void expectHas(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), text.npos)
      << "'" << part << "' is not in: " << text;
}

// A of rank 2 and B for to_q, under the names of a layout.
std::vector<Tensor> pair(const std::string& down, const std::string& up) {
  return {some(down, {2, 4}, 7), some(up, {6, 2}, 8)};
}

TEST_F(LoraTest, knows_the_names_of_every_layout) {
  const std::string flat = "lora_unet_mid_block_attentions_0_attn1_to_q";
  const std::pair<std::string, std::string> names[] = {
      {kAttention + ".to_q.lora.down.weight",
       kAttention + ".to_q.lora.up.weight"},
      {kAttention + ".to_q.lora_A.weight", kAttention + ".to_q.lora_B.weight"},
      {kAttention + ".processor.to_q_lora.down.weight",
       kAttention + ".processor.to_q_lora.up.weight"},
      {"base_model.model.mid_block.attentions.0.attn1.to_q.lora_A.weight",
       "base_model.model.mid_block.attentions.0.attn1.to_q.lora_B.weight"},
      {flat + ".lora_down.weight", flat + ".lora_up.weight"}};
  for (const auto& [down, up] : names) {
    SCOPED_TRACE(down);
    Result<Adapter> adapter = open(pair(down, up));
    ASSERT_TRUE(adapter.ok()) << adapter.status().message();
    ASSERT_EQ(adapter->terms().size(), 1u);
    const LowRank& term = adapter->terms()[0];
    EXPECT_EQ(term.target, kAttention + ".to_q.weight");
    EXPECT_EQ(term.rank, 2);
    EXPECT_EQ(term.scale, 1);
    EXPECT_EQ(term.down.name, down);
    EXPECT_EQ(term.up.name, up);
  }
}

TEST_F(LoraTest, finds_outputs_text_encoders_and_convolutions) {
  Result<Adapter> adapter = open(
      {some(kAttention + ".processor.to_out_lora.down.weight", {1, 6}, 1),
       some(kAttention + ".processor.to_out_lora.up.weight", {4, 1}, 2),
       some("lora_te_layers_0_self_attn_q_proj.lora_down.weight", {3, 5}, 3),
       some("lora_te_layers_0_self_attn_q_proj.lora_up.weight", {5, 3}, 4),
       some("unet.conv_in.lora.down.weight", {2, 2, 3, 3}, 5),
       some("unet.conv_in.lora.up.weight", {3, 2, 1, 1}, 6)});
  ASSERT_TRUE(adapter.ok()) << adapter.status().message();
  std::vector<std::string> targets;
  for (const LowRank& term : adapter->terms())
    targets.push_back(term.target);
  EXPECT_EQ(targets,
            (std::vector<std::string>{
                "text_encoder.layers.0.self_attn.q_proj.weight",
                "unet.conv_in.weight", kAttention + ".to_out.0.weight"}));
}

TEST_F(LoraTest, divides_alpha_by_the_rank) {
  const std::string layer = kAttention + ".to_q";
  std::vector<Tensor> tensors =
      pair(layer + ".lora_down.weight", layer + ".lora_up.weight");
  tensors.push_back({layer + ".alpha", {}, {3}});
  Result<Adapter> adapter = open(tensors);
  ASSERT_TRUE(adapter.ok()) << adapter.status().message();
  EXPECT_EQ(adapter->terms()[0].scale, 1.5);
}

TEST_F(LoraTest, reads_the_scale_from_metadata) {
  const std::string layer = kAttention + ".to_q";
  Result<Adapter> adapter =
      open(pair(layer + ".lora_A.weight", layer + ".lora_B.weight"),
           {{"lora_adapter_metadata", R"({"unet.r":2,"unet.lora_alpha":8})"}});
  ASSERT_TRUE(adapter.ok()) << adapter.status().message();
  EXPECT_EQ(adapter->terms()[0].scale, 4);
}

TEST_F(LoraTest, reads_a_folder_with_its_settings) {
  std::filesystem::create_directory(folder_ / "peft");
  const std::string layer =
      "base_model.model.mid_block.attentions.0.attn1.to_q";
  writeAdapter(folder_ / "peft/adapter_model.safetensors",
               pair(layer + ".lora_A.weight", layer + ".lora_B.weight"));
  const auto scaleWith = [&](const std::string& settings) {
    std::ofstream(folder_ / "peft/adapter_config.json") << settings;
    Result<Adapter> adapter =
        Adapter::open(folder_ / "peft", model_->tensors());
    return adapter.ok() ? std::to_string(adapter->terms()[0].scale)
                        : adapter.status().message();
  };
  EXPECT_EQ(scaleWith(R"({"r":2,"lora_alpha":1})"), "0.500000");
  EXPECT_EQ(scaleWith(R"({"r":4,"lora_alpha":4,"use_rslora":true})"),
            "2.000000");
  expectHas(scaleWith("{"), "not a JSON object");
  expectHas(scaleWith(R"({"r":2})"), "'lora_alpha'");
  expectHas(scaleWith(R"({"r":2,"lora_alpha":1,"rank_pattern":{"q":8}})"),
            "'rank_pattern'");
}

TEST_F(LoraTest, refuses_what_does_not_fit) {
  const std::string layer = kAttention + ".to_q";
  const std::string down = layer + ".lora.down.weight";
  const std::string up = layer + ".lora.up.weight";
  expectHas(refusal({}), "no tensors");
  expectHas(refusal(pair("unet.nowhere.lora.down.weight", up)),
            "unet.nowhere.lora.down.weight: the model has no");
  expectHas(refusal({some("step", {1}, 1)}), "step: not a name");
  expectHas(refusal({some(down, {2, 4}, 1)}), "B (up) is missing");
  expectHas(refusal({some(up, {6, 2}, 1)}), "A (down) is missing");
  expectHas(refusal({some(down, {2, 5}, 1), some(up, {6, 2}, 2)}),
            "A is [2,5] and B [6,2]");
  expectHas(refusal({some(down, {2, 4}, 1), some(up, {2, 6}, 2)}), "B [2,6]");
  expectHas(
      refusal({some(down, {2, 4}, 1), some(layer + ".lora_A.weight", {2, 4}, 3),
               some(up, {6, 2}, 2)}),
      "is for the same layer");
  std::vector<Tensor> odd = pair(down, up);
  odd.push_back({layer + ".alpha", {2}, {1, 2}});
  expectHas(refusal(odd), "alpha must be one finite number");
  expectHas(refusal(pair(down, up), {{"lora_adapter_metadata", "[]"}}),
            "not a JSON object");
}

} // namespace
} // namespace burin::adapters
