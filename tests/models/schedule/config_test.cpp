// SPDX-License-Identifier: Apache-2.0
// Scheduler configurations: defaults, real ones, and wrong ones.
#include "models/schedule/config.h"

#include <gtest/gtest.h>

namespace burin::schedule {
namespace {

TEST(SchedulerConfig, reads_stable_diffusion) {
  Result<Config> config = parseConfig(R"({
    "_class_name": "PNDMScheduler", "_diffusers_version": "0.6.0",
    "beta_end": 0.012, "beta_schedule": "scaled_linear",
    "beta_start": 0.00085, "num_train_timesteps": 1000,
    "set_alpha_to_one": false, "skip_prk_steps": true, "steps_offset": 1,
    "trained_betas": null, "clip_sample": false})");
  ASSERT_TRUE(config.ok()) << config.status().message();
  EXPECT_EQ(config->kind, SamplerKind::kPndm);
  EXPECT_EQ(config->betas, Betas::kScaledLinear);
  EXPECT_DOUBLE_EQ(config->betaStart, 0.00085);
  EXPECT_FALSE(config->spacing.has_value());
  EXPECT_EQ(config->alphaToOne, false);
  EXPECT_EQ(config->stepsOffset, 1);
  EXPECT_FALSE(config->clipSample);
}

TEST(SchedulerConfig, reads_the_infinity_that_python_writes) {
  Result<Config> config = parseConfig(
      R"({"_class_name": "DPMSolverMultistepScheduler",
          "lambda_min_clipped": -Infinity})");
  ASSERT_TRUE(config.ok()) << config.status().message();
  EXPECT_LT(config->lambdaMinClipped, -1e299);
}

TEST(SchedulerConfig, names_are_unique_and_return) {
  for (SamplerKind kind :
       {SamplerKind::kDdim, SamplerKind::kEuler, SamplerKind::kEulerAncestral,
        SamplerKind::kDpmSolver, SamplerKind::kPndm})
    EXPECT_EQ(samplerFromName(name(kind)), kind);
  EXPECT_FALSE(samplerFromName("heun").has_value());
  EXPECT_EQ(samplerNames(), "ddim, euler, euler-ancestral, dpm++2m, pndm");
}

struct BadConfig {
  const char* json;
  const char* message;
};

TEST(SchedulerConfig, explains_what_it_cannot_run) {
  for (const BadConfig& bad : {
           BadConfig{"", "not a JSON object"},
           BadConfig{"[]", "not a JSON object"},
           BadConfig{R"({"_class_name": "HeunDiscreteScheduler"})",
                     "one of DDIMScheduler"},
           BadConfig{R"({"beta_schedule": 3})", "'beta_schedule' is 3"},
           BadConfig{R"({"num_train_timesteps": 0})", "from 1"},
           BadConfig{R"({"num_train_timesteps": 10.5})", "a whole number"},
           BadConfig{R"({"num_train_timesteps": 1e12})", "from 1"},
           BadConfig{R"({"steps_offset": 1000})", "from 0 to 999"},
           BadConfig{R"({"beta_end": 2})", "'beta_end' is 2"},
           BadConfig{R"({"clip_sample": "no"})", "true or false"},
           BadConfig{R"({"prediction_type": "flow"})", "epsilon"},
           BadConfig{R"({"thresholding": true})", "Burin runs false only"},
           BadConfig{R"({"solver_order": 3})", "Burin runs 2 only"},
           BadConfig{R"({"trained_betas": [0.1]})", "trained_betas"},
           BadConfig{R"({"algorithm_type": "sde-dpmsolver++"})",
                     "algorithm_type"},
       }) {
    Result<Config> config = parseConfig(bad.json);
    ASSERT_FALSE(config.ok()) << bad.json;
    EXPECT_NE(config.status().message().find(bad.message), std::string::npos)
        << config.status().message();
  }
}

} // namespace
} // namespace burin::schedule
