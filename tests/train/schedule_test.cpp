// SPDX-License-Identifier: Apache-2.0
// Rates and decays against their values at chosen steps.
#include "models/train/schedule.h"

#include <gtest/gtest.h>

#include <cmath>

namespace burin::train {
namespace {

using Shape = RateConfig::Shape;

TEST(RateAt, warms_up_linearly_to_the_peak) {
  for (Shape shape : {Shape::kConstant, Shape::kLinear, Shape::kCosine}) {
    RateConfig rate = {1.0, 4, shape, 0.0};
    for (int step = 0; step < 4; ++step)
      EXPECT_DOUBLE_EQ(rateAt(rate, 104, step), (step + 1) / 5.0);
    EXPECT_DOUBLE_EQ(rateAt(rate, 104, 4), 1.0);
  }
}

TEST(RateAt, falls_as_its_shape_says) {
  RateConfig rate = {0.9, 20, Shape::kConstant, 0.1};
  EXPECT_DOUBLE_EQ(rateAt(rate, 120, 119), 0.9);
  rate.shape = Shape::kLinear;
  EXPECT_DOUBLE_EQ(rateAt(rate, 120, 45), 0.7); // a quarter
  EXPECT_DOUBLE_EQ(rateAt(rate, 120, 70), 0.5);
  EXPECT_DOUBLE_EQ(rateAt(rate, 120, 120), 0.1);
  rate.shape = Shape::kCosine;
  EXPECT_DOUBLE_EQ(rateAt(rate, 120, 45), 0.5 + 0.4 * std::sqrt(0.5));
  EXPECT_DOUBLE_EQ(rateAt(rate, 120, 70), 0.5);
  EXPECT_DOUBLE_EQ(rateAt(rate, 120, 95), 0.5 - 0.4 * std::sqrt(0.5));
  EXPECT_DOUBLE_EQ(rateAt(rate, 120, 120), 0.1);
}

TEST(AverageDecayAt, grows_to_what_was_asked_for) {
  EXPECT_DOUBLE_EQ(averageDecayAt(0.999, 0), 0.1);
  EXPECT_DOUBLE_EQ(averageDecayAt(0.999, 8), 0.5);
  EXPECT_DOUBLE_EQ(averageDecayAt(0.999, 8000), 8001.0 / 8010);
  EXPECT_DOUBLE_EQ(averageDecayAt(0.999, 9000), 0.999);
  EXPECT_DOUBLE_EQ(averageDecayAt(0.999, 1'000'000), 0.999);
}

TEST(HyperParameters, are_those_of_the_configuration) {
  TrainConfig config;
  config.steps = 10;
  config.rate = {0.5, 0, Shape::kLinear, 0};
  config.adamw = {0.8, 0.9, 1e-6, 0.2};
  config.maxGradientNorm = 3;
  schedule::HyperParameters hyper = hyperParametersAt(config, 5);
  EXPECT_DOUBLE_EQ(hyper.learningRate, 0.25);
  EXPECT_EQ(hyper.beta1, 0.8);
  EXPECT_EQ(hyper.beta2, 0.9);
  EXPECT_EQ(hyper.epsilon, 1e-6);
  EXPECT_EQ(hyper.weightDecay, 0.2);
  EXPECT_EQ(hyper.maxGradientNorm, 3);
  EXPECT_DOUBLE_EQ(hyper.averageDecay, 0.4);
}

} // namespace
} // namespace burin::train
