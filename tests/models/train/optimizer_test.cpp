// SPDX-License-Identifier: Apache-2.0
// The optimizer's step alone: equal to PyTorch's, in place, in few kernels.
#include "models/graph/train/optimizer.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "compiler/compile.h"
#include "kernels/catalog.h"
#include "models/schedule/optimizer.h"
#include "runtime/device/cpu/cpu_device.h"
#include "runtime/device/cpu/cpu_target.h"
#include "runtime/program/program.h"
#include "tests/models/golden_file.h"

namespace burin::models {
namespace {

using Shapes = std::map<std::string, std::vector<int64_t>>;
using Floats = std::vector<float>;

constexpr std::array kState = {"parameters", "first_moment", "second_moment",
                               "average"};

// A compiled optimizer of parameters of some shapes, and its buffers.
class Optimizer {
public:
  static Result<std::unique_ptr<Optimizer>> create(const Shapes& shapes,
                                                   bool decayAll) {
    std::unique_ptr<Optimizer> result(new Optimizer);
    mlir::DialectRegistry registry;
    registerCompiler(registry);
    mlir::MLIRContext context(registry);
    auto module = result->build(context, shapes, decayAll);
    BURIN_ASSIGN(std::string_view target, hostTarget());
    auto bytes = compileModule(*module, {.target = std::string(target)});
    if (mlir::failed(bytes))
      return internalError("compilation failed");
    result->module_ = *std::move(bytes);
    result->device_ = createCpuDevice({2, kernels::findCpuKernel});
    BURIN_ASSIGN(result->program_,
                 Program::load(result->module_, *result->device_));
    BURIN_TRY(result->program_->bind([](std::string_view name) {
      return Result<TensorView>(notFound(std::string(name)));
    }));
    BURIN_TRY(result->program_->prepare({}));
    BURIN_ASSIGN(result->step_, result->program_->find("step"));
    for (const char* name : kState)
      result->state[name] = Floats(result->layout.size);
    return result;
  }

  // Updates `state`; with `inPlace` every buffer is read and written at one
  // address, otherwise outputs lie elsewhere. Returns norm and finite.
  std::array<float, 2> step(const Floats& gradients,
                            const schedule::HyperParameters& hyper, int64_t t,
                            bool inPlace) {
    std::map<std::string, Memory, std::less<>> in, out;
    auto numbers = schedule::hyperTensor(hyper, t);
    for (const TensorSpec& spec : step_->inputs) {
      std::span<const float> values = numbers;
      if (spec.name == "gradients")
        values = gradients;
      else if (spec.name != "hyper")
        values = state.at(spec.name);
      in.emplace(spec.name, upload(values));
    }
    std::vector<std::byte*> inputs, outputs;
    for (const TensorSpec& spec : step_->inputs)
      inputs.push_back(in.at(spec.name).data());
    for (const TensorSpec& spec : step_->outputs) {
      Floats poison(static_cast<size_t>(*elementCount(spec.shape)), NAN);
      if (!inPlace || spec.name == "report")
        out.emplace(spec.name, upload(poison));
      auto other = out.find(spec.name);
      outputs.push_back(other == out.end() ? in.at(spec.name).data()
                                           : other->second.data());
    }
    EXPECT_TRUE(program_->enqueue(*step_, inputs, outputs).ok());
    std::array<float, 2> report;
    for (size_t i = 0; i < outputs.size(); ++i) {
      const std::string& name = step_->outputs[i].name;
      std::span<float> to = report;
      if (name != "report")
        to = state.at(name);
      EXPECT_TRUE(
          device_->download(std::as_writable_bytes(to), outputs[i]).ok());
    }
    return report;
  }

  const FunctionInfo& function() const { return *step_; }

  ParameterLayout layout;
  std::map<std::string, Floats> state;

private:
  mlir::OwningOpRef<mlir::ModuleOp> build(mlir::MLIRContext& context,
                                          const Shapes& shapes, bool decayAll) {
    mlir::OwningOpRef<mlir::ModuleOp> module =
        mlir::ModuleOp::create(mlir::UnknownLoc::get(&context));
    mlir::Type f32 = mlir::Float32Type::get(&context);
    GraphBuilder b(*module, f32, f32);
    b.beginFunction("shapes", {});
    for (const auto& [name, shape] : shapes)
      b.parameter(name, shape);
    b.endFunction({});
    auto first = llvm::cast<mlir::func::FuncOp>(module->getBody()->front());
    layout = layoutOf(first);
    first.erase();

    auto flat = mlir::RankedTensorType::get({layout.size}, f32);
    std::vector<NamedType> inputs;
    for (const char* name : kState)
      inputs.push_back({name, flat});
    inputs.push_back({"gradients", flat});
    inputs.push_back({"hyper", mlir::RankedTensorType::get(
                                   {schedule::kHyperElements}, f32)});
    std::vector<Value> in = b.beginFunction("step", inputs);
    OptimizerStep step =
        adamW(b, layout, {in[0], in[1], in[2], in[3]}, in[4], in[5], decayAll);
    Value report = b.concat(
        {b.reshape(step.gradientNorm, {1}), b.reshape(step.finite, {1})}, 0);
    std::array outputs = {NamedValue{"parameters", step.next.parameters},
                          NamedValue{"first_moment", step.next.firstMoment},
                          NamedValue{"second_moment", step.next.secondMoment},
                          NamedValue{"average", step.next.average},
                          NamedValue{"report", report}};
    b.endFunction(outputs);
    return module;
  }

  Memory upload(std::span<const float> values) {
    auto bytes = std::as_bytes(values);
    auto memory = device_->allocate(bytes.size());
    EXPECT_TRUE(memory.ok());
    EXPECT_TRUE(device_->upload(memory->data(), bytes).ok());
    return *std::move(memory);
  }

  std::vector<std::byte> module_;
  std::unique_ptr<Device> device_;
  std::unique_ptr<Program> program_;
  const FunctionInfo* step_ = nullptr;
};

std::unique_ptr<Optimizer> makeOptimizer(const Shapes& shapes,
                                         bool decayAll = false) {
  auto optimizer = Optimizer::create(shapes, decayAll);
  EXPECT_TRUE(optimizer.ok()) << optimizer.status().message();
  return optimizer.ok() ? *std::move(optimizer) : nullptr;
}

// Numbers that look random, in [-1, 1).
Floats randomFloats(int64_t count, uint32_t seed) {
  Floats values(static_cast<size_t>(count));
  for (float& value : values) {
    seed = seed * 1664525 + 1013904223;
    value = static_cast<float>(seed >> 8) / (1 << 23) - 1;
  }
  return values;
}

class AgainstPyTorch : public testing::TestWithParam<bool> {
protected:
  // The tensors `<prefix>.<name>` in their windows, zeros between them.
  Floats flat(const std::string& prefix) const {
    Floats values(static_cast<size_t>(optimizer_->layout.size));
    for (const ParameterWindow& window : optimizer_->layout.windows) {
      Floats tensor = golden_.floats(prefix + "." + window.name);
      std::ranges::copy(tensor, values.begin() + window.start);
    }
    return values;
  }

  void expectState(int step) {
    constexpr double kLimit = 5e-7;
    constexpr std::array kNames = {"parameters", "exp_avg", "exp_avg_sq",
                                   "average"};
    for (size_t i = 0; i < kState.size(); ++i) {
      Floats expected = flat(std::to_string(step) + "." + kNames[i]);
      const Floats& actual = optimizer_->state.at(kState[i]);
      double difference = 0, norm = 1e-60;
      for (size_t k = 0; k < expected.size(); ++k) {
        difference += std::pow(double{actual[k]} - expected[k], 2);
        norm += std::pow(double{expected[k]}, 2);
      }
      double error = std::sqrt(difference / norm);
      std::printf("step %d, %s: %.1e, %.1f %% of the limit\n", step, kState[i],
                  error, 100 * error / kLimit);
      EXPECT_LE(error, kLimit) << kState[i] << " after step " << step;
    }
  }

  GoldenFile golden_{"optimizer.safetensors"};
  std::unique_ptr<Optimizer> optimizer_ =
      makeOptimizer({{"conv.weight", {7, 5, 3, 3}},
                     {"conv.bias", {7}},
                     {"linear.weight", {19, 33}},
                     {"linear.bias", {19}},
                     {"norm.weight", {}}});
};

TEST_P(AgainstPyTorch, FiveSteps) {
  ASSERT_TRUE(optimizer_ && golden_.ok());
  auto json = nlohmann::json::parse(golden_.metadata("hyper"));
  schedule::HyperParameters hyper = {
      json["learning_rate"], json["weight_decay"], json["beta1"],
      json["beta2"],         json["epsilon"],      json["max_norm"],
      json["average_decay"]};
  for (size_t i = 0; i < kState.size(); ++i)
    optimizer_->state[kState[i]] = flat(i == 0   ? "0.parameters"
                                        : i == 3 ? "0.average"
                                        : i == 1 ? "0.exp_avg"
                                                 : "0.exp_avg_sq");
  Floats norms = golden_.floats("norms");
  int64_t updates = 0;
  for (int step = 1; step <= static_cast<int>(norms.size()); ++step) {
    std::map before = optimizer_->state;
    auto [norm, finite] =
        optimizer_->step(flat(std::to_string(step) + ".gradient"), hyper,
                         updates + 1, GetParam());
    bool wasFinite = std::isfinite(norms[step - 1]);
    EXPECT_EQ(finite, wasFinite ? 1 : 0);
    if (wasFinite)
      EXPECT_NEAR(norm, norms[step - 1], 1e-6 * norms[step - 1]);
    else
      EXPECT_EQ(optimizer_->state, before);
    updates += wasFinite ? 1 : 0;
    expectState(step);
  }
  EXPECT_EQ(updates, 4);
}

INSTANTIATE_TEST_SUITE_P(Buffers, AgainstPyTorch, testing::Bool(),
                         [](const auto& info) {
                           return info.param ? "InPlace" : "Separate";
                         });

TEST(OptimizerStep, InPlaceGivesTheSameBits) {
  auto optimizer =
      makeOptimizer({{"a", {301, 1024}}, {"b", {70, 70}}, {"c", {5000}}});
  ASSERT_TRUE(optimizer);
  int64_t size = optimizer->layout.size;
  std::map<std::string, Floats> begin;
  for (size_t i = 0; i < kState.size(); ++i)
    begin[kState[i]] = randomFloats(size, static_cast<uint32_t>(i));
  for (float& value : begin["second_moment"])
    value = std::abs(value);
  auto run = [&](bool inPlace) {
    optimizer->state = begin;
    for (int t = 1; t <= 3; ++t)
      optimizer->step(randomFloats(size, 7 * static_cast<uint32_t>(t)), {}, t,
                      inPlace);
    return optimizer->state;
  };
  std::map separate = run(false), inPlace = run(true);
  EXPECT_EQ(separate, inPlace);
  EXPECT_NE(separate, begin);
}

TEST(OptimizerStep, DecaysWeightsOrAll) {
  for (bool all : {false, true}) {
    auto optimizer = makeOptimizer({{"w", {3, 5}}, {"b", {5}}}, all);
    ASSERT_TRUE(optimizer);
    const ParameterLayout& layout = optimizer->layout;
    std::fill_n(optimizer->state["parameters"].begin(), layout.size, 1.0f);
    schedule::HyperParameters hyper = {.learningRate = 0.5, .weightDecay = 0.5};
    Floats none(static_cast<size_t>(layout.size));
    optimizer->step(none, hyper, 1, true);
    const Floats& after = optimizer->state["parameters"];
    EXPECT_EQ(after[0], 0.75f);
    EXPECT_EQ(after[layout.weights - 1], 0.75f);
    EXPECT_EQ(after[layout.weights], all ? 0.75f : 1.0f);
    EXPECT_EQ(after.back(), all ? 0.75f : 1.0f);
  }
}

TEST(OptimizerStep, WithoutALimitNothingIsClipped) {
  auto optimizer = makeOptimizer({{"w", {4, 4}}});
  ASSERT_TRUE(optimizer);
  Floats gradients(static_cast<size_t>(optimizer->layout.size));
  std::fill_n(gradients.begin(), 16, 1e6f);
  auto [norm, finite] =
      optimizer->step(gradients, {.beta1 = 0, .maxGradientNorm = 0}, 1, true);
  EXPECT_EQ(norm, 4e6f);
  EXPECT_EQ(finite, 1);
  EXPECT_EQ(optimizer->state["first_moment"][15], 1e6f);
}

// Sums of rows, of groups and of groups' sums, and one pass over each part.
TEST(OptimizerStep, IsFewKernels) {
  auto optimizer = makeOptimizer({{"w", {640, 640}}, {"b", {640}}});
  ASSERT_TRUE(optimizer);
  const auto& steps = optimizer->function().steps;
  ASSERT_EQ(steps.size(), 5);
  for (const StepInfo& step : steps)
    EXPECT_EQ(step.verb, "launch");
  // Five buffers are read and four are written, once.
  auto traffic = [](int64_t elements) {
    return 9 * sizeof(float) * static_cast<uint64_t>(elements);
  };
  const ParameterLayout& layout = optimizer->layout;
  EXPECT_NEAR(steps[3].bytes, traffic(layout.weights), 100);
  EXPECT_NEAR(steps[4].bytes, traffic(layout.size - layout.weights), 100);
}

TEST(FlatLayout, AlignsWindowsAndParts) {
  auto optimizer = makeOptimizer(
      {{"b", {65}}, {"a", {2, 3}}, {"z", {500, 3, 3}}, {"n", {}}});
  ASSERT_TRUE(optimizer);
  const ParameterLayout& layout = optimizer->layout;
  std::vector<std::pair<std::string, int64_t>> starts;
  for (const ParameterWindow& window : layout.windows)
    starts.emplace_back(window.name, window.start);
  std::vector<std::pair<std::string, int64_t>> expected = {
      {"a", 0}, {"z", 64}, {"b", 5120}, {"n", 5120 + 128}};
  EXPECT_EQ(starts, expected);
  EXPECT_EQ(layout.weights, 5120);
  EXPECT_EQ(layout.rowGroups, 4);
  EXPECT_EQ(layout.size, 8 * kRowElements);
}

} // namespace
} // namespace burin::models
