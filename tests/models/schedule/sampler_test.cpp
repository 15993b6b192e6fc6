// SPDX-License-Identifier: Apache-2.0
// Every sampler against diffusers, with the network replaced by a formula.
#include "models/schedule/sampler.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "tests/models/golden_file.h"

namespace burin::schedule {
namespace {

using nlohmann::json;

// Largest difference to diffusers in units of the sample's largest value.
constexpr double kTolerance = 1e-5;

void network(std::span<const float> input, float timestep,
             std::span<const float> shift, std::span<float> output) {
  for (size_t j = 0; j < input.size(); ++j)
    output[j] = std::tanh(0.8f * input[j] + shift[j] + timestep / 1000);
}

double distance(std::span<const float> a, std::span<const float> b) {
  double largest = 0, scale = 0;
  for (size_t j = 0; j < a.size(); ++j) {
    largest = std::max(largest, std::fabs(double(a[j]) - b[j]));
    scale = std::max(scale, std::fabs(double(b[j])));
  }
  return largest / scale;
}

struct Noise {
  std::vector<float> values;
  size_t elements;
  std::span<const float> row(size_t i) const {
    return std::span(values).subspan(i * elements, elements);
  }
};

// The largest distance over a case's trajectory.
double runCase(const GoldenFile& golden, const json& described,
               const std::string& prefix, const Noise& noise) {
  Result<Config> config = parseConfig(described["config"].dump());
  if (!config.ok()) {
    ADD_FAILURE() << config.status().message();
    return INFINITY;
  }
  Result<Plan> plan =
      makePlan(*config, {.steps = described["steps"], .eta = described["eta"]});
  if (!plan.ok()) {
    ADD_FAILURE() << plan.status().message();
    return INFINITY;
  }
  auto timesteps = golden.floats(prefix + ".timesteps");
  Noise expected{golden.floats(prefix + ".trajectory"), noise.elements};
  EXPECT_EQ(plan->steps.size(), timesteps.size());
  if (plan->steps.size() != timesteps.size())
    return INFINITY;

  auto shift = golden.floats("shift");
  std::vector<float> sample(noise.row(0).begin(), noise.row(0).end());
  std::vector<float> input(sample.size()), output(sample.size());
  Sampler sampler(*plan, sample.size());
  sampler.scaleInitial(sample);
  double worst = distance(sample, expected.row(0));
  for (size_t i = 0; i < timesteps.size(); ++i) {
    EXPECT_NEAR(sampler.steps()[i].timestep, timesteps[i], 1e-3);
    sampler.scaleInput(i, sample, input);
    network(input, timesteps[i], shift, output);
    sampler.step(i, output, sample, noise.row(i + 1));
    worst = std::max(worst, distance(sample, expected.row(i + 1)));
  }
  return worst;
}

TEST(Samplers, equal_diffusers) {
  GoldenFile golden("samplers.safetensors");
  ASSERT_TRUE(golden.ok());
  json cases = json::parse(golden.metadata("cases"));
  Noise noise{golden.floats("noise"), golden.floats("shift").size()};
  EXPECT_GE(cases.size(), 70u);
  double worst = 0;
  for (size_t i = 0; i < cases.size(); ++i) {
    double distance = runCase(golden, cases[i], std::to_string(i), noise);
    EXPECT_LE(distance, kTolerance) << cases[i].dump();
    worst = std::max(worst, distance);
  }
  std::printf("%zu cases, at most %.0f %% of the tolerance used\n",
              cases.size(), 100 * worst / kTolerance);
}

TEST(Samplers, start_afresh_at_step_0) {
  for (SamplerKind kind : {SamplerKind::kDpmSolver, SamplerKind::kPndm}) {
    Result<Plan> plan = makePlan({}, {.kind = kind, .steps = 6});
    ASSERT_TRUE(plan.ok());
    Sampler sampler(*plan, 4);
    auto run = [&] {
      std::vector<float> sample = {1, -2, 3, 0.5f}, output(4);
      for (size_t i = 0; i < sampler.steps().size(); ++i) {
        network(sample, sampler.steps()[i].timestep, sample, output);
        sampler.step(i, output, sample, {});
      }
      return sample;
    };
    std::vector<float> once = run();
    EXPECT_EQ(once, run()) << name(kind);
  }
}

// A network that always knows x0 = 2 leads every deterministic sampler there.
TEST(Samplers, arrive_at_what_the_network_predicts) {
  Config config;
  config.clipSample = false;
  config.alphaToOne = true;
  for (SamplerKind kind :
       {SamplerKind::kDdim, SamplerKind::kEuler, SamplerKind::kDpmSolver}) {
    Result<Plan> plan = makePlan(config, {.kind = kind, .steps = 10});
    ASSERT_TRUE(plan.ok());
    Sampler sampler(*plan, 1);
    std::vector<float> sample = {1.5f};
    sampler.scaleInitial(sample);
    float x0 = 2;
    double alphaBar = 1;
    std::vector<double> alphaBars;
    for (int t = 0; t < 1000; ++t)
      alphaBars.push_back(alphaBar *= 1 - (0.0001 + (0.02 - 0.0001) * t / 999));
    for (size_t i = 0; i < sampler.steps().size(); ++i) {
      const Step& step = sampler.steps()[i];
      double bar = alphaBars[static_cast<size_t>(step.timestep)];
      // The noise that x0 implies; Euler's samples are x / sqrt(abar).
      double scaled =
          sample[0] * (kind == SamplerKind::kEuler ? std::sqrt(bar) : 1.0);
      auto output = static_cast<float>((scaled - std::sqrt(bar) * x0) /
                                       std::sqrt(1 - bar));
      sampler.step(i, std::span(&output, 1), sample, {});
    }
    EXPECT_NEAR(sample[0], x0, 0.02) << name(kind);
  }
}

struct BadOptions {
  SamplerOptions options;
  const char* message;
};

TEST(Samplers, explain_impossible_requests) {
  Config config;
  config.stepsOffset = 999;
  for (const BadOptions& bad : {
           BadOptions{{.steps = 0}, "from 1 to 1000"},
           BadOptions{{.steps = -3}, "is -3"},
           BadOptions{{.steps = 1001}, "from 1 to 1000"},
           BadOptions{{.steps = 5, .eta = 1.5}, "eta is 1.5"},
           BadOptions{{.steps = 5, .eta = NAN}, "from 0 to 1"},
           BadOptions{{.steps = 5}, "steps_offset of 999"},
       }) {
    Result<Plan> plan = makePlan(config, bad.options);
    ASSERT_FALSE(plan.ok());
    EXPECT_NE(plan.status().message().find(bad.message), std::string::npos)
        << plan.status().message();
  }
}

TEST(Samplers, run_pndm_with_runge_kutta_only_as_asked) {
  Result<Config> config = parseConfig(R"({"_class_name": "PNDMScheduler"})");
  ASSERT_TRUE(config.ok());
  Result<Plan> plan = makePlan(*config, {.steps = 5});
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.status().code(), Code::kUnimplemented);
  EXPECT_TRUE(makePlan(*config, {.kind = SamplerKind::kPndm, .steps = 5}).ok());
}

} // namespace
} // namespace burin::schedule
