// SPDX-License-Identifier: Apache-2.0
// The arithmetic of adapters: sums of products, and the model's own bits where
// nothing is added.
#include "models/adapters/merge.h"

#include "tests/models/adapters/small_model.h"

namespace burin::adapters {
namespace {

const std::string kQuery = kAttention + ".to_q";

class AdaptedWeightsTest : public testing::Test {
protected:
  void SetUp() override {
    writeModel(folder_ / "model.burin");
    auto opened = Checkpoint::open(folder_ / "model.burin");
    ASSERT_TRUE(opened.ok()) << opened.status().message();
    model_.emplace(*std::move(opened));
    for (int i = 0; i < 2; ++i)
      writeAdapter(path(i), factors(i));
  }

  std::string path(int i) const {
    return folder_ / (std::to_string(i) + ".safetensors");
  }
  // A and B of adapter `i`, of rank i + 1.
  static std::vector<Tensor> factors(int i) {
    return {some(kQuery + ".lora.down.weight", {i + 1, 4}, 20 + i),
            some(kQuery + ".lora.up.weight", {6, i + 1}, 30 + i)};
  }

  std::vector<float> adapted(std::vector<AdapterUse> uses,
                             const std::string& name) {
    auto weights = AdaptedWeights::open(*model_, uses);
    EXPECT_TRUE(weights.ok()) << weights.status().message();
    auto view = weights->tensor(name);
    EXPECT_TRUE(view.ok()) << view.status().message();
    std::vector<float> values(*elementCount(view->shape));
    std::memcpy(values.data(), view->data.data(), view->data.size());
    return values;
  }

  TemporaryFolder folder_;
  std::optional<Checkpoint> model_;
};

TEST_F(AdaptedWeightsTest, adds_the_sum_of_products) {
  const std::vector<float> result =
      adapted({{path(0), 0.5}, {path(1), -2}}, kQuery + ".weight");
  const std::vector<float> own = modelTensors()[0].values;
  const double strength[] = {0.5, -2};
  for (int o = 0; o < 6; ++o)
    for (int i = 0; i < 4; ++i) {
      double wanted = own[o * 4 + i];
      for (int k = 0; k < 2; ++k) {
        const auto factor = factors(k);
        for (int r = 0; r <= k; ++r)
          wanted += strength[k] * factor[1].values[o * (k + 1) + r] *
                    factor[0].values[r * 4 + i];
      }
      EXPECT_NEAR(result[o * 4 + i], wanted, 1e-5) << o << ", " << i;
    }
}

TEST_F(AdaptedWeightsTest, keeps_the_models_bits_where_nothing_is_added) {
  const std::vector<float> own = modelTensors()[0].values;
  const std::string name = kQuery + ".weight";
  EXPECT_EQ(adapted({}, name), own);
  EXPECT_EQ(adapted({{path(0), 0}}, name), own);
  EXPECT_EQ(adapted({{path(0), 3}, {path(0), -3}}, name), own);
  EXPECT_EQ(adapted({{path(0), 1}}, "unet.conv_in.bias"),
            modelTensors()[4].values);
  EXPECT_NE(adapted({{path(0), 1}}, name), own);
}

TEST_F(AdaptedWeightsTest, computes_again_after_a_release) {
  auto weights =
      AdaptedWeights::open(*model_, std::vector<AdapterUse>{{path(0), 1}});
  ASSERT_TRUE(weights.ok());
  const auto bytes = [&] {
    TensorView view = *weights->tensor(kQuery + ".weight");
    return std::vector<std::byte>(view.data.begin(), view.data.end());
  };
  const std::vector<std::byte> before = bytes();
  weights->release(*weights->tensor(kQuery + ".weight"));
  EXPECT_EQ(bytes(), before);
}

TEST_F(AdaptedWeightsTest, becomes_a_checkpoint) {
  const AdapterUse uses[] = {{path(0), 0.5}, {path(1), -2}};
  const std::string merged = folder_ / "merged.burin";
  auto bytes = mergeAdapters(folder_ / "model.burin", uses, merged);
  ASSERT_TRUE(bytes.ok()) << bytes.status().message();
  auto checkpoint = Checkpoint::open(merged);
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status().message();
  ASSERT_EQ(checkpoint->tensors().size(), model_->tensors().size());
  for (const TensorView& tensor : checkpoint->tensors()) {
    std::vector<float> values(*elementCount(tensor.shape));
    std::memcpy(values.data(), tensor.data.data(), tensor.data.size());
    EXPECT_EQ(values, adapted({uses[0], uses[1]}, std::string(tensor.name)));
  }
  EXPECT_NE(checkpoint->metadata("adapters")->find("1.safetensors"),
            std::string_view::npos);
}

TEST(AdapterUseTest, reads_a_file_and_its_weight) {
  EXPECT_EQ(parseAdapterUse("a.safetensors")->weight, 1);
  EXPECT_EQ(parseAdapterUse("b/a:0.8")->path, "b/a");
  EXPECT_EQ(parseAdapterUse("b/a:-0.5")->weight, -0.5);
  for (const char* wrong : {"", ":1", "a:", "a:x", "a:1x", "a:nan", "a:inf"})
    EXPECT_FALSE(parseAdapterUse(wrong).ok()) << wrong;
}

} // namespace
} // namespace burin::adapters
