// SPDX-License-Identifier: Apache-2.0
// What a configuration gives; what is refused: bad_config_test.
#include "models/train/config.h"

#include "tests/formats/temporary_folder.h"

namespace burin::train {
namespace {

TEST(TrainConfig, fills_in_what_is_not_said) {
  Result<TrainConfig> config = parseTrainConfig(
      R"({"model": "m.burin", "data": "/d", "output": "../run", "steps": 1e4})",
      "conf/train.json");
  ASSERT_TRUE(config.ok()) << config.status().message();
  EXPECT_EQ(config->model, "conf/m.burin");
  EXPECT_EQ(config->data, "/d");
  EXPECT_EQ(config->output, "run");
  EXPECT_EQ(config->cache, "run/encoded");
  EXPECT_EQ(config->steps, 10000);
  EXPECT_EQ(config->size, 0);
  EXPECT_EQ(config->device, "cpu");
  EXPECT_EQ(config->rate.shape, RateConfig::Shape::kConstant);
  EXPECT_EQ(config->dropout.text, 0.05);
  EXPECT_FALSE(config->adapter);
  EXPECT_EQ(config->samples.every, 0);
}

TEST(TrainConfig, the_example_is_one_and_says_every_field) {
  Result<TrainConfig> config =
      parseTrainConfig(exampleTrainConfig(), "train.json");
  ASSERT_TRUE(config.ok()) << config.status().message();
  EXPECT_EQ(config->model, "ip2p.burin");
  EXPECT_EQ(config->cache, "run/encoded");
  EXPECT_EQ(config->steps, 20000);
  EXPECT_EQ(config->batch, 32);
  EXPECT_EQ(config->accumulate, 1);
  EXPECT_EQ(config->size, 256);
  EXPECT_EQ(config->precision, "bf16");
  EXPECT_EQ(config->seed, 1u);
  EXPECT_EQ(config->rate.warmup, 500);
  EXPECT_EQ(config->rate.shape, RateConfig::Shape::kCosine);
  EXPECT_EQ(config->rate.last, 1e-6);
  EXPECT_EQ(config->adamw.decay, 0.01);
  EXPECT_EQ(config->averageDecay, 0.9999);
  EXPECT_EQ(config->samples.data, "heldout");
}

TEST(TrainConfig, an_adapter_has_alpha_and_targets_of_its_own_or_usual_ones) {
  const std::string rest =
      R"("model": "m", "data": "d", "output": "run", "steps": 1})";
  Result<TrainConfig> usual =
      parseTrainConfig(R"({"adapter": {"rank": 8}, )" + rest, "train.json");
  ASSERT_TRUE(usual.ok()) << usual.status().message();
  EXPECT_EQ(usual->adapter->alpha, 8);
  EXPECT_EQ(usual->adapter->targets.size(), 4u);
  EXPECT_EQ(usual->adapter->layout, adapters::Layout::kDiffusers);
  Result<TrainConfig> own = parseTrainConfig(
      R"({"adapter": {"rank": 8, "alpha": 2.5, "targets": ["attn2.*"],
                      "layout": "kohya"}, )" +
          rest,
      "train.json");
  ASSERT_TRUE(own.ok()) << own.status().message();
  EXPECT_EQ(own->adapter->alpha, 2.5);
  EXPECT_EQ(own->adapter->targets, std::vector<std::string>{"attn2.*"});
  EXPECT_EQ(own->adapter->layout, adapters::Layout::kKohya);
}

TEST(TrainConfig, a_missing_file_is_named) {
  TemporaryFolder folder;
  Result<TrainConfig> config = readTrainConfig(folder / "none.json");
  ASSERT_FALSE(config.ok());
  EXPECT_NE(config.status().message().find("none.json"), std::string::npos);
}

} // namespace
} // namespace burin::train
