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

void PrintTo(const Case& graph, std::ostream* stream) {
  *stream << graph.name;
}

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
    // Moments, then application and activation, then what reads them.
    {"LargePicture", R"(
      func.func @main(%x: tensor<1x256x512x128xbf16>)
          -> tensor<1x256x512x128xbf16> {
        %g = burin.parameter "g" : tensor<128xf32>
        %b = burin.parameter "b" : tensor<128xf32>
        %0 = burin.group_norm %x, %g, %b groups 32 eps 1.0e-05
          : tensor<1x256x512x128xbf16>, tensor<128xf32>, tensor<128xf32>
        %1 = burin.unary "silu" %0 : tensor<1x256x512x128xbf16>
        %2 = burin.binary "add" %1, %x
          : tensor<1x256x512x128xbf16>, tensor<1x256x512x128xbf16>
        return %2 : tensor<1x256x512x128xbf16>
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
    // Q, K and V are windows of one product, whose rows attention reads.
    {"MergedAttention", R"(
      func.func @main(%x: tensor<2x96x320xbf16>) -> tensor<2x96x320xbf16> {
        %wq = burin.parameter "q" : tensor<320x320xf32>
        %wk = burin.parameter "k" : tensor<320x320xf32>
        %wv = burin.parameter "v" : tensor<320x320xf32>
        %q = burin.linear %x, %wq
          : tensor<2x96x320xbf16>, tensor<320x320xf32>
        %k = burin.linear %x, %wk
          : tensor<2x96x320xbf16>, tensor<320x320xf32>
        %v = burin.linear %x, %wv
          : tensor<2x96x320xbf16>, tensor<320x320xf32>
        %0 = burin.attention %q, %k, %v heads 8 scale 1.58e-01
          : tensor<2x96x320xbf16>, tensor<2x96x320xbf16>, tensor<2x96x320xbf16>
        return %0 : tensor<2x96x320xbf16>
      })",
     2},
    // Both producers write their columns of the operand; nothing is copied.
    {"Concat", R"(
      func.func @main(%x: tensor<2x8x8x64xbf16>, %y: tensor<2x8x8x40xbf16>)
          -> tensor<2x8x8x64xbf16> {
        %v = burin.parameter "v" : tensor<64x64x1x1xf32>
        %w = burin.parameter "w" : tensor<64x104x1x1xf32>
        %0 = burin.conv2d %x, %v stride 1 padding [0, 0, 0, 0]
          : tensor<2x8x8x64xbf16>, tensor<64x64x1x1xf32>
        %1 = burin.unary "silu" %y : tensor<2x8x8x40xbf16>
        %2 = burin.concat %0, %1 axis 3
          : tensor<2x8x8x64xbf16>, tensor<2x8x8x40xbf16>
        %3 = burin.conv2d %2, %w stride 1 padding [0, 0, 0, 0]
          : tensor<2x8x8x104xbf16>, tensor<64x104x1x1xf32>
        return %3 : tensor<2x8x8x64xbf16>
      })",
     3},
    // The boundary of a network that its user sees channels-first.
    {"Transposed", R"(
      func.func @main(%x: tensor<2x4x8x8xf32>) -> tensor<2x4x8x8xf32> {
        %w = burin.parameter "w" : tensor<4x4x3x3xf32>
        %0 = burin.transpose %x [0, 2, 3, 1] : tensor<2x4x8x8xf32>
        %1 = burin.cast %0 : tensor<2x8x8x4xf32> to bf16
        %2 = burin.conv2d %1, %w stride 1 padding [1, 1, 1, 1]
          : tensor<2x8x8x4xbf16>, tensor<4x4x3x3xf32>
        %3 = burin.cast %2 : tensor<2x8x8x4xbf16> to f32
        %4 = burin.transpose %3 [0, 3, 1, 2] : tensor<2x8x8x4xf32>
        return %4 : tensor<2x4x8x8xf32>
      })",
     3},
    // A fold that keeps an axis after those it folds: its results meet in
    // shared memory. What reads them visits other rows.
    {"MiddleAxes", R"(
      func.func @main(%x: tensor<3x5x4x7xbf16>)
          -> (tensor<3x1x1x7xbf16>, tensor<3x5x4x7xbf16>) {
        %0 = burin.reduce "max" %x axes [1, 2] : tensor<3x5x4x7xbf16>
        %1 = burin.binary "sub" %x, %0
          : tensor<3x5x4x7xbf16>, tensor<3x1x1x7xbf16>
        return %0, %1 : tensor<3x1x1x7xbf16>, tensor<3x5x4x7xbf16>
      })",
     2},
    // A softmax whose rows are longer than a warp's registers.
    {"LongRows", R"(
      func.func @main(%x: tensor<3x5000xf32>) -> tensor<3x5000xf32> {
        %0 = burin.softmax %x axis 1 : tensor<3x5000xf32>
        return %0 : tensor<3x5000xf32>
      })",
     1},
    {"Argmax", R"(
      func.func @main(%x: tensor<3x77xi64>, %y: tensor<5x33xbf16>)
          -> (tensor<3xi64>, tensor<5xi64>) {
        %0 = burin.argmax %x : tensor<3x77xi64>
        %1 = burin.argmax %y : tensor<5x33xbf16>
        return %0, %1 : tensor<3xi64>, tensor<5xi64>
      })",
     2},
    // Single numbers beside tensors are computed where they are read.
    {"Scalars", R"(
      func.func @main(%x: tensor<2x8x8x4xf32>, %n: tensor<2x8x8x4xf32>,
                      %s: tensor<1xf32>, %t: tensor<1xf32>)
          -> tensor<2x8x8x4xf32> {
        %c = burin.constant 5.0e-01 : tensor<1xf32>
        %0 = burin.binary "sub" %s, %t : tensor<1xf32>, tensor<1xf32>
        %1 = burin.binary "mul" %0, %c : tensor<1xf32>, tensor<1xf32>
        %2 = burin.binary "mul" %n, %1 : tensor<2x8x8x4xf32>, tensor<1xf32>
        %3 = burin.binary "add" %x, %2
          : tensor<2x8x8x4xf32>, tensor<2x8x8x4xf32>
        return %3 : tensor<2x8x8x4xf32>
      })",
     1},
    {"Integers", R"(
      func.func @main(%x: tensor<3x33xi64>, %y: tensor<33xi32>,
                      %b: tensor<3x33xi1>, %c: tensor<3x33xi8>)
          -> (tensor<3x33xi64>, tensor<33x3xi1>, tensor<33x3xi8>) {
        %0 = burin.cast %y : tensor<33xi32> to i64
        %1 = burin.binary "mul" %x, %0 : tensor<3x33xi64>, tensor<33xi64>
        %2 = burin.binary "max" %1, %x : tensor<3x33xi64>, tensor<3x33xi64>
        %3 = burin.transpose %b [1, 0] : tensor<3x33xi1>
        %4 = burin.transpose %c [1, 0] : tensor<3x33xi8>
        return %2, %3, %4
          : tensor<3x33xi64>, tensor<33x3xi1>, tensor<33x3xi8>
      })",
     4},
    // Rows that no vector divides, in every kind of kernel.
    {"OddWidths", R"(
      func.func @main(%x: tensor<5x33xbf16>) -> (tensor<5x7xbf16>,
                                                 tensor<5x33xbf16>) {
        %w = burin.parameter "w" : tensor<7x33xf32>
        %b = burin.parameter "b" : tensor<7xf32>
        %g = burin.parameter "g" : tensor<33xf32>
        %0 = burin.linear %x, %w : tensor<5x33xbf16>, tensor<7x33xf32>
        %c = burin.cast %b : tensor<7xf32> to bf16
        %1 = burin.binary "add" %0, %c : tensor<5x7xbf16>, tensor<7xbf16>
        %2 = burin.layer_norm %x, %g, %g eps 1.0e-05
          : tensor<5x33xbf16>, tensor<33xf32>, tensor<33xf32>
        return %1, %2 : tensor<5x7xbf16>, tensor<5x33xbf16>
      })",
     2},
    // A weight that a step makes is packed by one, before it is read.
    {"ComputedWeight", R"(
      func.func @main(%x: tensor<2x64xbf16>, %w: tensor<64x64xbf16>)
          -> tensor<2x64xbf16> {
        %0 = burin.unary "tanh" %w : tensor<64x64xbf16>
        %1 = burin.linear %x, %0 : tensor<2x64xbf16>, tensor<64x64xbf16>
        return %1 : tensor<2x64xbf16>
      })",
     3},
    {"Float32", R"(
      func.func @main(%x: tensor<2x9x9x24xf32>) -> tensor<2x9x9x32xf32> {
        %w = burin.parameter "w" : tensor<32x24x3x3xf32>
        %g = burin.parameter "g" : tensor<24xf32>
        %0 = burin.group_norm %x, %g, %g groups 8 eps 1.0e-05
          : tensor<2x9x9x24xf32>, tensor<24xf32>, tensor<24xf32>
        %1 = burin.conv2d %0, %w stride 1 padding [1, 1, 1, 1]
          : tensor<2x9x9x24xf32>, tensor<32x24x3x3xf32>
        return %1 : tensor<2x9x9x32xf32>
      })",
     2},
    // A block of the UNet in float16: its kernels are the families' own.
    {"Float16", R"(
      func.func @main(%x: tensor<2x8x8x64xf16>, %t: tensor<2x1x1x64xf16>)
          -> tensor<2x64x64xf16> {
        %g = burin.parameter "g" : tensor<64xf32>
        %b = burin.parameter "b" : tensor<64xf32>
        %w = burin.parameter "w" : tensor<64x64x3x3xf16>
        %wq = burin.parameter "q" : tensor<64x64xf32>
        %wk = burin.parameter "k" : tensor<64x64xf32>
        %0 = burin.group_norm %x, %g, %b groups 32 eps 1.0e-05
          : tensor<2x8x8x64xf16>, tensor<64xf32>, tensor<64xf32>
        %1 = burin.unary "silu" %0 : tensor<2x8x8x64xf16>
        %2 = burin.conv2d %1, %w stride 1 padding [1, 1, 1, 1]
          : tensor<2x8x8x64xf16>, tensor<64x64x3x3xf16>
        %c = burin.cast %b : tensor<64xf32> to f16
        %3 = burin.binary "add" %2, %c : tensor<2x8x8x64xf16>, tensor<64xf16>
        %4 = burin.binary "add" %3, %t
          : tensor<2x8x8x64xf16>, tensor<2x1x1x64xf16>
        %5 = burin.binary "add" %4, %x
          : tensor<2x8x8x64xf16>, tensor<2x8x8x64xf16>
        %6 = burin.reshape %5 to [2, 64, 64] : tensor<2x8x8x64xf16>
        %q = burin.linear %6, %wq : tensor<2x64x64xf16>, tensor<64x64xf32>
        %k = burin.linear %6, %wk : tensor<2x64x64xf16>, tensor<64x64xf32>
        %7 = burin.attention %q, %k, %k heads 2 scale 1.77e-01
          : tensor<2x64x64xf16>, tensor<2x64x64xf16>, tensor<2x64x64xf16>
        %8 = burin.binary "add" %7, %6
          : tensor<2x64x64xf16>, tensor<2x64x64xf16>
        return %8 : tensor<2x64x64xf16>
      })",
     5},
    // The end of a block whose channels change: the projection of its input, a
    // concatenation, is part of the convolution.
    {"Shortcut", R"(
      func.func @main(%h: tensor<2x8x8x64xbf16>, %p: tensor<2x8x8x64xbf16>,
                      %q: tensor<2x8x8x32xbf16>) -> tensor<2x8x8x64xbf16> {
        %w = burin.parameter "w" : tensor<64x64x3x3xf32>
        %v = burin.parameter "v" : tensor<64x96x1x1xf32>
        %b = burin.parameter "b" : tensor<64xbf16>
        %c = burin.parameter "c" : tensor<64xbf16>
        %0 = burin.concat %p, %q axis 3
          : tensor<2x8x8x64xbf16>, tensor<2x8x8x32xbf16>
        %1 = burin.unary "silu" %0 : tensor<2x8x8x96xbf16>
        %2 = burin.conv2d %h, %w stride 1 padding [1, 1, 1, 1]
          : tensor<2x8x8x64xbf16>, tensor<64x64x3x3xf32>
        %3 = burin.binary "add" %2, %b : tensor<2x8x8x64xbf16>, tensor<64xbf16>
        %4 = burin.conv2d %1, %v stride 1 padding [0, 0, 0, 0]
          : tensor<2x8x8x96xbf16>, tensor<64x96x1x1xf32>
        %5 = burin.binary "add" %4, %c : tensor<2x8x8x64xbf16>, tensor<64xbf16>
        %6 = burin.binary "add" %3, %5
          : tensor<2x8x8x64xbf16>, tensor<2x8x8x64xbf16>
        return %6 : tensor<2x8x8x64xbf16>
      })",
     4},
    // Parts of the pixels are summed by a step of their own.
    {"WeightGradient", R"(
      func.func @main(%x: tensor<2x16x16x64xbf16>, %y: tensor<2x8x8x72xbf16>,
                      %u: tensor<1x1x32x9xf32>, %v: tensor<1x1x32x7xf32>)
          -> (tensor<72x64x3x3xf32>, tensor<7x9x1x1xf32>) {
        %0 = burin.conv2d_weight_gradient %x, %y kernel [3, 3] stride 2
          padding [0, 0, 1, 1]
          : tensor<2x16x16x64xbf16>, tensor<2x8x8x72xbf16>
        %1 = burin.conv2d_weight_gradient %u, %v kernel [1, 1] stride 1
          padding [0, 0, 0, 0] : tensor<1x1x32x9xf32>, tensor<1x1x32x7xf32>
        return %0, %1 : tensor<72x64x3x3xf32>, tensor<7x9x1x1xf32>
      })",
     3},
    // The queries' step, then the keys', which reads statistics of the former.
    {"AttentionGradient", R"(
      func.func @main(%q: tensor<2x64x80xbf16>, %k: tensor<2x77x80xbf16>,
                      %y: tensor<2x64x80xbf16>)
          -> (tensor<2x64x80xbf16>, tensor<2x77x80xbf16>,
              tensor<2x77x80xbf16>) {
        %dq, %dk, %dv = burin.attention_gradient %q, %k, %k, %y, %y
          heads 2 scale 1.58e-01
          : tensor<2x64x80xbf16>, tensor<2x77x80xbf16>, tensor<2x77x80xbf16>,
            tensor<2x64x80xbf16>, tensor<2x64x80xbf16>
        return %dq, %dk, %dv
          : tensor<2x64x80xbf16>, tensor<2x77x80xbf16>, tensor<2x77x80xbf16>
      })",
     2},
    // The keys' step writes what nobody reads.
    {"QueryGradient", R"(
      func.func @main(%q: tensor<2x64x80xbf16>, %k: tensor<2x77x80xbf16>,
                      %y: tensor<2x64x80xbf16>) -> tensor<2x64x80xbf16> {
        %dq, %dk, %dv = burin.attention_gradient %q, %k, %k, %y, %y
          heads 2 scale 1.58e-01
          : tensor<2x64x80xbf16>, tensor<2x77x80xbf16>, tensor<2x77x80xbf16>,
            tensor<2x64x80xbf16>, tensor<2x64x80xbf16>
        return %dq : tensor<2x64x80xbf16>
      })",
     2},
    // A layer with low-rank terms of two samples, as adapters are inputs: three
    // products, and the packing of two weights that are no parameters.
    {"LowRank", R"(
      func.func @main(%x: tensor<2x64x80xbf16>, %a: tensor<16x80xbf16>,
                      %b: tensor<96x16xbf16>, %gate: tensor<2x1x16xf32>)
          -> tensor<2x64x96xbf16> {
        %w = burin.parameter "w" : tensor<96x80xf32>
        %y = burin.linear %x, %w : tensor<2x64x80xbf16>, tensor<96x80xf32>
        %h = burin.linear %x, %a : tensor<2x64x80xbf16>, tensor<16x80xbf16>
        %f = burin.cast %h : tensor<2x64x16xbf16> to f32
        %g = burin.binary "mul" %f, %gate
          : tensor<2x64x16xf32>, tensor<2x1x16xf32>
        %s = burin.cast %g : tensor<2x64x16xf32> to bf16
        %t = burin.linear %s, %b : tensor<2x64x16xbf16>, tensor<96x16xbf16>
        %z = burin.binary "add" %y, %t
          : tensor<2x64x96xbf16>, tensor<2x64x96xbf16>
        return %z : tensor<2x64x96xbf16>
      })",
     5},
    {"Tokens", R"(
      func.func @main(%i: tensor<3x77xi64>) -> tensor<3x64xbf16> {
        %t = burin.parameter "t" : tensor<490x64xbf16>
        %0 = burin.embedding %t, %i : tensor<490x64xbf16>, tensor<3x77xi64>
        %1 = burin.argmax %i : tensor<3x77xi64>
        %2 = burin.select_token %0, %1 : tensor<3x77x64xbf16>, tensor<3xi64>
        return %2 : tensor<3x64xbf16>
      })",
     3},
};

INSTANTIATE_TEST_SUITE_P(Graphs, CudaCodegen, testing::ValuesIn(kCases),
                         [](const auto& info) { return info.param.name; });

} // namespace
} // namespace burin
