// SPDX-License-Identifier: Apache-2.0
// Patterns of layers' names.
#include "models/adapters/targets.h"

#include <array>

#include <gtest/gtest.h>

namespace burin::adapters {
namespace {

using Names = std::vector<std::string>;

constexpr std::array<int64_t, 2> kMatrix = {4, 4};
constexpr std::array<int64_t, 1> kVector = {4};

std::vector<TensorView> model() {
  auto weight = [](std::string_view name) {
    return TensorView{name, DType::kF32, kMatrix, {}};
  };
  return {weight("text_encoder.layers.0.to_q.weight"),
          weight("unet.conv_in.weight"),
          {"unet.conv_in.bias", DType::kF32, kVector, {}},
          weight("unet.mid.attn1.to_q.weight"),
          weight("unet.mid.attn2.to_out.0.weight"),
          weight("unet.mid.attn2.to_q.weight"),
          {"unet.mid.norm.weight", DType::kF32, kVector, {}}};
}

Names matched(const Names& patterns) {
  auto layers = matchLayers(model(), patterns);
  EXPECT_TRUE(layers.ok()) << layers.status().message();
  return layers.ok() ? *layers : Names();
}

TEST(Targets, are_whole_names_or_their_ends) {
  EXPECT_EQ(matched({"to_q"}), (Names{"mid.attn1.to_q", "mid.attn2.to_q"}));
  EXPECT_EQ(matched({"attn2.to_q"}), Names{"mid.attn2.to_q"});
  EXPECT_EQ(matched({"mid.attn1.to_q"}), Names{"mid.attn1.to_q"});
  EXPECT_EQ(matched({"to_out.0", "to_out.0"}), Names{"mid.attn2.to_out.0"});
}

TEST(Targets, have_stars_for_any_text) {
  EXPECT_EQ(matched({"attn2.*"}),
            (Names{"mid.attn2.to_out.0", "mid.attn2.to_q"}));
  EXPECT_EQ(matched({"*n1*q"}), Names{"mid.attn1.to_q"});
  EXPECT_EQ(matched({"conv*", "*2**t.*"}),
            (Names{"conv_in", "mid.attn2.to_out.0"}));
  EXPECT_EQ(matched({"*"}).size(), 4u);
}

TEST(Targets, that_name_nothing_are_an_error) {
  for (const char* none : {"o_q", "to_", "norm", "layers.0.to_q", "", "attn2",
                           "to_q.weight", "*to_q?"}) {
    auto layers = matchLayers(model(), Names{"to_q", none});
    ASSERT_FALSE(layers.ok()) << none;
    EXPECT_NE(layers.status().message().find("\"" + std::string(none) +
                                             "\" names no layer"),
              std::string::npos)
        << layers.status().message();
    EXPECT_NE(layers.status().message().find("conv_in, to_q"),
              std::string::npos);
  }
}

} // namespace
} // namespace burin::adapters
