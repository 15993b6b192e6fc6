// SPDX-License-Identifier: Apache-2.0
// Graphs compiled for a GPU on a machine without one: every form of region
// becomes machine code, and the module passes its checks. What the code
// computes is for the replay of the numerics cases on a GPU.
#include "compiler/compile.h"
#include "formats/module/module.h"
#include "kernels/cuda/nvrtc.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

namespace burin {
namespace {

struct Case {
  const char* name;
  const char* text;
  size_t steps;
};

class CudaCodegen : public testing::TestWithParam<Case> {
protected:
  void SetUp() override {
    if (Status nvrtc = nvrtcAvailable(); !nvrtc.ok())
      GTEST_SKIP() << nvrtc.message();
  }
};

TEST_P(CudaCodegen, BecomesCubins) {
  mlir::DialectRegistry registry;
  registerCompiler(registry);
  mlir::MLIRContext context(registry);
  auto module =
      mlir::parseSourceString<mlir::ModuleOp>(GetParam().text, &context);
  ASSERT_TRUE(module);
  for (const char* target : {"sm_90a", "sm_80"}) {
    mlir::OwningOpRef<mlir::ModuleOp> copy = module->clone();
    auto bytes = compileModule(*copy, {.target = target});
    ASSERT_TRUE(succeeded(bytes)) << target;
    auto read = module::read(*bytes);
    ASSERT_TRUE(read.ok()) << read.status().message();
    const module::Function* main = module::findFunction(**read, "main");
    ASSERT_NE(main, nullptr);
    for (const module::Image* image : *(*read)->images())
      EXPECT_EQ(image->kind(), module::ImageKind::Cubin);
    if (std::string_view(target) == "sm_90a") {
      EXPECT_EQ(main->steps()->size(), GetParam().steps);
    }
  }
}

const Case kCases[] = {
    {"Elementwise", R"(
      func.func @main(%x: tensor<2x5x24xbf16>, %y: tensor<24xf32>)
          -> tensor<2x5x24xbf16> {
        %a = burin.cast %x : tensor<2x5x24xbf16> to f32
        %b = burin.binary "mul" %a, %y : tensor<2x5x24xf32>, tensor<24xf32>
        %c = burin.unary "silu" %b : tensor<2x5x24xf32>
        %d = burin.cast %c : tensor<2x5x24xf32> to bf16
        return %d : tensor<2x5x24xbf16>
      })",
     1},
    // Folds within rows, a residual that others read too.
    {"LayerNorm", R"(
      func.func @main(%x: tensor<3x7x320xbf16>, %r: tensor<3x7x320xbf16>)
          -> (tensor<3x7x320xbf16>, tensor<3x7x320xbf16>) {
        %g = burin.parameter "g" : tensor<320xf32>
        %b = burin.parameter "b" : tensor<320xf32>
        %0 = burin.binary "add" %x, %r
          : tensor<3x7x320xbf16>, tensor<3x7x320xbf16>
        %1 = burin.layer_norm %0, %g, %b eps 1.0e-05
          : tensor<3x7x320xbf16>, tensor<320xf32>, tensor<320xf32>
        return %0, %1 : tensor<3x7x320xbf16>, tensor<3x7x320xbf16>
      })",
     1},
    // Rows that hold more than one axis, a fold over the first of them.
    {"Reduce", R"(
      func.func @main(%x: tensor<2x3x4x5xf32>)
          -> (tensor<2x1x1x5xf32>, tensor<2x3x4x5xf32>) {
        %0 = burin.reduce "mean" %x axes [1, 2] : tensor<2x3x4x5xf32>
        %1 = burin.softmax %x axis 1 : tensor<2x3x4x5xf32>
        return %0, %1 : tensor<2x1x1x5xf32>, tensor<2x3x4x5xf32>
      })",
     2},
    // Statistics, application and activation in one kernel, then a product
    // with bias, a vector an image and a residual.
    {"Resnet", R"(
      func.func @main(%x: tensor<2x8x8x64xbf16>, %t: tensor<2x1x1x64xbf16>)
          -> tensor<2x8x8x64xbf16> {
        %g = burin.parameter "g" : tensor<64xf32>
        %b = burin.parameter "b" : tensor<64xf32>
        %w = burin.parameter "w" : tensor<64x64x3x3xf32>
        %0 = burin.group_norm %x, %g, %b groups 32 eps 1.0e-05
          : tensor<2x8x8x64xbf16>, tensor<64xf32>, tensor<64xf32>
        %1 = burin.unary "silu" %0 : tensor<2x8x8x64xbf16>
        %2 = burin.conv2d %1, %w stride 1 padding [1, 1, 1, 1]
          : tensor<2x8x8x64xbf16>, tensor<64x64x3x3xf32>
        %c = burin.cast %b : tensor<64xf32> to bf16
        %3 = burin.binary "add" %2, %c : tensor<2x8x8x64xbf16>, tensor<64xbf16>
        %4 = burin.binary "add" %3, %t
          : tensor<2x8x8x64xbf16>, tensor<2x1x1x64xbf16>
        %5 = burin.binary "add" %4, %x
          : tensor<2x8x8x64xbf16>, tensor<2x8x8x64xbf16>
        return %5 : tensor<2x8x8x64xbf16>
      })",
     2},
    // Both halves of a product meet in its epilogue.
    {"Gate", R"(
      func.func @main(%x: tensor<2x10x64xbf16>) -> tensor<2x10x128xbf16> {
        %w = burin.parameter "w" : tensor<256x64xf32>
        %b = burin.parameter "b" : tensor<256xf32>
        %0 = burin.linear %x, %w : tensor<2x10x64xbf16>, tensor<256x64xf32>
        %c = burin.cast %b : tensor<256xf32> to bf16
        %1 = burin.binary "add" %0, %c : tensor<2x10x256xbf16>, tensor<256xbf16>
        %h = burin.slice %1 axis 2 start 0 size 128 : tensor<2x10x256xbf16>
        %g = burin.slice %1 axis 2 start 128 size 128 : tensor<2x10x256xbf16>
        %2 = burin.unary "gelu" %g : tensor<2x10x128xbf16>
        %3 = burin.binary "mul" %h, %2
          : tensor<2x10x128xbf16>, tensor<2x10x128xbf16>
        return %3 : tensor<2x10x128xbf16>
      })",
     1},
    {"Attention", R"(
      func.func @main(%q: tensor<2x96x320xbf16>, %k: tensor<2x77x320xbf16>)
          -> tensor<2x96x320xbf16> {
        %0 = burin.attention %q, %k, %k heads 8 scale 1.58e-01
          : tensor<2x96x320xbf16>, tensor<2x77x320xbf16>, tensor<2x77x320xbf16>
        return %0 : tensor<2x96x320xbf16>
      })",
     1},
};

INSTANTIATE_TEST_SUITE_P(Graphs, CudaCodegen, testing::ValuesIn(kCases),
                         [](const auto& info) { return info.param.name; });

} // namespace
} // namespace burin
