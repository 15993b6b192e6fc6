// SPDX-License-Identifier: Apache-2.0
// Every block and small model, compiled for this processor and run on it,
// computes what diffusers and transformers compute.
#include "tests/models/golden.h"
#include "tests/models/golden_names.h"

#include "compiler/compile.h"
#include "kernels/catalog.h"
#include "runtime/device/cpu/cpu_device.h"
#include "runtime/device/cpu/cpu_target.h"
#include "runtime/program/program.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

namespace burin::golden {
namespace {

constexpr double kLimit = 1e-5;

// A compiled golden on a device, ready to run.
struct Compiled {
  std::vector<std::byte> module;
  std::unique_ptr<Device> device;
  std::unique_ptr<Program> program;
};

Result<Compiled> compileGolden(const Golden& golden,
                               const std::string& target) {
  mlir::DialectRegistry registry;
  registerCompiler(registry);
  mlir::MLIRContext context(registry);
  BURIN_ASSIGN(auto graph, golden.build(context));
  auto bytes = compileModule(*graph, {.target = target});
  if (mlir::failed(bytes))
    return internalError("compilation failed");
  Compiled compiled;
  compiled.module = *std::move(bytes);
  compiled.device = createCpuDevice({2, kernels::findCpuKernel});
  BURIN_ASSIGN(compiled.program,
               Program::load(compiled.module, *compiled.device));
  BURIN_TRY(compiled.program->bind([&](std::string_view name) {
    const TensorView* tensor = golden.file().find(name);
    return tensor ? Result<TensorView>(*tensor)
                  : Result<TensorView>(notFound(std::string(name)));
  }));
  BURIN_TRY(compiled.program->prepare({}));
  return compiled;
}

struct Case {
  const char* golden;
  const char* target;
};

void PrintTo(const Case& value, std::ostream* stream) {
  *stream << value.golden << " for " << value.target;
}

// Everything for the newest processors, whole models for older ones too.
std::vector<Case> allCases() {
  std::vector<Case> cases;
  for (const char* golden : kGoldens)
    cases.push_back({golden, "x86-64-v4"});
  for (const char* golden : {"unet_small", "vae_small", "clip_gelu"})
    cases.push_back({golden, "x86-64-v3"});
  return cases;
}

class CompiledGolden : public testing::TestWithParam<Case> {
protected:
  void check(Program& program, const Function& function) {
    auto info = program.find(function.name);
    ASSERT_TRUE(info.ok()) << info.status().message();
    std::vector<std::vector<std::byte>> storage;
    std::vector<OutputView> outputs;
    for (const TensorView& expected : function.outputs) {
      storage.emplace_back(expected.data.size());
      outputs.push_back(
          {expected.name, expected.dtype, expected.shape, storage.back()});
    }
    Status status = program.run(**info, function.inputs, outputs);
    ASSERT_TRUE(status.ok()) << status.message();
    for (size_t i = 0; i < outputs.size(); ++i) {
      TensorView actual = function.outputs[i];
      actual.data = storage[i];
      double error = relativeError(actual, function.outputs[i]);
      std::printf("%s %s: %.1e, %.1f %% of the limit\n", function.name.c_str(),
                  std::string(actual.name).c_str(), error,
                  100 * error / kLimit);
      EXPECT_LE(error, kLimit) << actual.name;
    }
  }
};

TEST_P(CompiledGolden, MatchesTheFramework) {
  auto host = hostTarget();
  ASSERT_TRUE(host.ok()) << host.status().message();
  std::string target = GetParam().target;
  if (target > *host)
    target = *host; // an older processor still runs every golden
  auto golden = Golden::open(GetParam().golden);
  ASSERT_TRUE(golden.ok()) << golden.status().message();
  auto compiled = compileGolden(*golden, target);
  ASSERT_TRUE(compiled.ok()) << compiled.status().message();
  for (const Function& function : golden->functions())
    check(*compiled->program, function);
}

INSTANTIATE_TEST_SUITE_P(Goldens, CompiledGolden, testing::ValuesIn(allCases()),
                         [](const auto& info) {
                           return std::string(info.param.golden) + "_" +
                                  std::string(info.param.target).substr(7);
                         });

} // namespace
} // namespace burin::golden
