// SPDX-License-Identifier: Apache-2.0
// Accuracy of the expanded scalar functions against libm in double.
#include "compiler/codegen/cpu/expand_math.h"
#include "compiler/codegen/cpu/object.h"
#include "tests/compiler/native_code.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Func/Extensions/AllExtensions.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

#include <cmath>
#include <functional>
#include <limits>
#include <random>

namespace burin {
namespace {

using Loop = void(float* x, float* xAligned, int64_t xOffset, int64_t xSize,
                  int64_t xStride, float* y, float* yAligned, int64_t yOffset,
                  int64_t ySize, int64_t yStride, int64_t count);

std::string loopOver(const std::string& function) {
  return "func.func @apply(%x: memref<?xf32>, %y: memref<?xf32>, %n: index) {"
         "  %zero = arith.constant 0 : index"
         "  %one = arith.constant 1 : index"
         "  scf.for %i = %zero to %n step %one {"
         "    %v = memref.load %x[%i] : memref<?xf32>"
         "    %r = math." +
         function +
         " %v : f32"
         "    memref.store %r, %y[%i] : memref<?xf32>"
         "  }"
         "  return"
         "}";
}

std::vector<std::byte> compile(const std::string& text) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registerObjectTranslations(registry);
  mlir::MLIRContext context(registry);
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  if (!module || failed(expandMath(*module)))
    return {};
  mlir::PassManager passes(&context);
  passes.addPass(mlir::createSCFToControlFlowPass());
  passes.addPass(mlir::createConvertToLLVMPass());
  passes.addPass(mlir::createReconcileUnrealizedCastsPass());
  if (failed(passes.run(*module)))
    return {};
  auto bytes = emitSharedObject(*module, "x86-64-v3");
  return succeeded(bytes) ? *bytes : std::vector<std::byte>();
}

struct Case {
  const char* name;
  std::function<double(double)> exact;
};

class ExpandMath : public testing::TestWithParam<Case> {};

TEST_P(ExpandMath, IsWithinFiveUnitsInTheLastPlace) {
  NativeCode code(compile(loopOver(GetParam().name)));
  auto* apply = code.find<Loop>("apply");
  ASSERT_NE(apply, nullptr);

  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  std::vector<float> x = {0.0f, -0.0f, 88.7f, -87.3f, 1e-40f, 1e30f};
  std::mt19937 generator(std::random_device{}());
  for (float bound : {1e-3f, 1.0f, 20.0f, 87.0f}) {
    std::uniform_real_distribution<float> uniform(-bound, bound);
    for (int i = 0; i < 200000; ++i)
      x.push_back(uniform(generator));
  }
  std::vector<float> y(x.size(), kInfinity);
  auto size = static_cast<int64_t>(x.size());
  apply(x.data(), x.data(), 0, size, 1, y.data(), y.data(), 0, size, 1, size);

  double worst = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    double exact = GetParam().exact(x[i]);
    float magnitude = std::fabs(static_cast<float>(exact));
    if (std::isinf(magnitude)) {
      EXPECT_EQ(y[i], static_cast<float>(exact));
      continue;
    }
    float normal = std::max(magnitude, std::numeric_limits<float>::min());
    double unit = std::nextafter(normal, kInfinity) - normal;
    double error = std::fabs(y[i] - exact);
    if (magnitude < std::numeric_limits<float>::min())
      EXPECT_LE(error, std::numeric_limits<float>::min()) << "at " << x[i];
    else
      worst = std::max(worst, error / unit);
  }
  std::printf("%s: worst %.2f units, %.0f %% of the tolerance\n",
              GetParam().name, worst, worst / 5 * 100);
  EXPECT_LE(worst, 5);
}

TEST_P(ExpandMath, KeepsInfinitiesAndNaN) {
  NativeCode code(compile(loopOver(GetParam().name)));
  auto* apply = code.find<Loop>("apply");
  ASSERT_NE(apply, nullptr);
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  std::vector<float> x = {kInfinity, -kInfinity,
                          std::numeric_limits<float>::quiet_NaN()};
  std::vector<float> y(3, 7);
  apply(x.data(), x.data(), 0, 3, 1, y.data(), y.data(), 0, 3, 1, 3);
  EXPECT_EQ(y[0], static_cast<float>(GetParam().exact(kInfinity)));
  EXPECT_EQ(y[1], static_cast<float>(GetParam().exact(-kInfinity)));
  EXPECT_TRUE(std::isnan(y[2]));
}

INSTANTIATE_TEST_SUITE_P(
    Functions, ExpandMath,
    testing::Values(Case{"exp", [](double x) { return std::exp(x); }},
                    Case{"erf", [](double x) { return std::erf(x); }},
                    Case{"tanh", [](double x) { return std::tanh(x); }}),
    [](const auto& info) { return std::string(info.param.name); });

} // namespace
} // namespace burin
