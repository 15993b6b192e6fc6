// SPDX-License-Identifier: Apache-2.0
// Small graphs through the whole compiler and the runtime, against values
// computed here by plain loops.
#include "tests/compiler/harness.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

#include <cmath>

namespace burin::testing {
namespace {

float silu(float x) {
  return x / (1 + std::exp(-x));
}

// y = x w^T
std::vector<float> matmul(const std::vector<float>& x,
                          const std::vector<float>& w, size_t rows,
                          size_t inner, size_t columns) {
  std::vector<float> y(rows * columns);
  for (size_t i = 0; i < rows; ++i)
    for (size_t j = 0; j < columns; ++j) {
      double sum = 0;
      for (size_t k = 0; k < inner; ++k)
        sum += double(x[i * inner + k]) * w[j * inner + k];
      y[i * columns + j] = static_cast<float>(sum);
    }
  return y;
}

void expectNear(const Tensor& tensor, const std::vector<float>& expected,
                float tolerance) {
  auto values = tensor.values<float>();
  ASSERT_EQ(values.size(), expected.size());
  for (size_t i = 0; i < values.size(); ++i)
    ASSERT_NEAR(values[i], expected[i], tolerance) << "element " << i;
}

TEST(Compile, LinearWithEpilogue) {
  auto module = compileText(R"(
    func.func @main(%x: tensor<2x5x24xf32> {burin.name = "x"},
                    %r: tensor<2x5x40xf32> {burin.name = "r"})
        -> (tensor<2x5x40xf32> {burin.name = "y"}) {
      %w = burin.parameter "w" : tensor<40x24xf32>
      %b = burin.parameter "b" : tensor<40xf32>
      %0 = burin.linear %x, %w : tensor<2x5x24xf32>, tensor<40x24xf32>
      %1 = burin.binary "add" %0, %b : tensor<2x5x40xf32>, tensor<40xf32>
      %2 = burin.unary "silu" %1 : tensor<2x5x40xf32>
      %3 = burin.binary "add" %r, %2
        : tensor<2x5x40xf32>, tensor<2x5x40xf32>
      return %3 : tensor<2x5x40xf32>
    })");
  Tensor x = noise({2, 5, 24}, 1), w = noise({40, 24}, 2), b = noise({40}, 3),
         r = noise({2, 5, 40}, 4);
  Tensors y = run(module, "main", {{"x", x}, {"r", r}}, {{"w", w}, {"b", b}});
  auto expected = matmul(x.values<float>(), w.values<float>(), 10, 24, 40);
  for (size_t i = 0; i < expected.size(); ++i)
    expected[i] =
        silu(expected[i] + b.values<float>()[i % 40]) + r.values<float>()[i];
  expectNear(y["y"], expected, 2e-6f);
}

// What verbs the function's steps are.
std::vector<module::Verb> verbs(const std::vector<std::byte>& bytes,
                                std::string_view name) {
  auto parsed = module::read(bytes);
  std::vector<module::Verb> result;
  if (!parsed.ok()) {
    ADD_FAILURE() << parsed.status().message();
    return result;
  }
  for (const module::Step* step :
       *module::findFunction(**parsed, name)->steps())
    result.push_back(step->verb_type());
  return result;
}

TEST(Compile, ProducersWriteIntoTheConcatenation) {
  auto module = compileText(R"(
    func.func @main(%x: tensor<3x8xf32> {burin.name = "x"},
                    %s: tensor<6xf32> {burin.name = "s"})
        -> (tensor<3x22xf32> {burin.name = "y"}) {
      %w = burin.parameter "w" : tensor<16x8xf32>
      %0 = burin.linear %x, %w : tensor<3x8xf32>, tensor<16x8xf32>
      %1 = burin.slice %x axis 1 start 2 size 6 : tensor<3x8xf32>
      %2 = burin.binary "mul" %1, %s : tensor<3x6xf32>, tensor<6xf32>
      %3 = burin.concat %0, %2 axis 1 : tensor<3x16xf32>, tensor<3x6xf32>
      return %3 : tensor<3x22xf32>
    })");
  Tensor x = noise({3, 8}, 1), w = noise({16, 8}, 2), s = noise({6}, 3);
  Tensors y = run(module, "main", {{"x", x}, {"s", s}}, {{"w", w}});
  auto product = matmul(x.values<float>(), w.values<float>(), 3, 8, 16);
  std::vector<float> expected;
  for (size_t i = 0; i < 3; ++i) {
    for (size_t j = 0; j < 16; ++j)
      expected.push_back(product[i * 16 + j]);
    for (size_t j = 0; j < 6; ++j)
      expected.push_back(x.values<float>()[i * 8 + 2 + j] *
                         s.values<float>()[j]);
  }
  expectNear(y["y"], expected, 1e-6f);
  for (module::Verb verb : verbs(module, "main"))
    EXPECT_NE(verb, module::Verb::Copy);
}

// Tensors of any shape as parts of one axis.
TEST(Compile, ProducersWriteIntoAFlatConcatenation) {
  auto module = compileText(R"(
    func.func @main(%x: tensor<3x8xf32> {burin.name = "x"})
        -> (tensor<32xf32> {burin.name = "y"}) {
      %0 = burin.unary "neg" %x : tensor<3x8xf32>
      %1 = burin.slice %x axis 0 start 1 size 1 : tensor<3x8xf32>
      %2 = burin.unary "square" %1 : tensor<1x8xf32>
      %3 = burin.reshape %2 to [8] : tensor<1x8xf32>
      %4 = burin.reshape %0 to [24] : tensor<3x8xf32>
      %5 = burin.concat %3, %4 axis 0 : tensor<8xf32>, tensor<24xf32>
      return %5 : tensor<32xf32>
    })");
  Tensor x = noise({3, 8}, 1);
  auto in = x.values<float>();
  std::vector<float> expected;
  for (size_t i = 8; i < 16; ++i)
    expected.push_back(in[i] * in[i]);
  for (float value : in)
    expected.push_back(-value);
  EXPECT_EQ(run(module, "main", {{"x", x}}, {})["y"].values<float>(), expected);
  for (module::Verb verb : verbs(module, "main"))
    EXPECT_NE(verb, module::Verb::Copy);
}

TEST(Compile, ViewsThatAreNoWindowsAreCopied) {
  auto module = compileText(R"(
    func.func @main(%x: tensor<2x4x6xf32> {burin.name = "x"})
        -> (tensor<2x2x6xf32> {burin.name = "inner"},
            tensor<2x6x6xf32> {burin.name = "joined"},
            tensor<4x4xf32> {burin.name = "flat"},
            tensor<2x4x6xf32> {burin.name = "same"}) {
      %0 = burin.slice %x axis 1 start 1 size 2 : tensor<2x4x6xf32>
      %1 = burin.concat %x, %0 axis 1 : tensor<2x4x6xf32>, tensor<2x2x6xf32>
      %2 = burin.slice %x axis 2 start 3 size 2 : tensor<2x4x6xf32>
      %3 = burin.reshape %2 to [4, 4] : tensor<2x4x2xf32>
      return %0, %1, %3, %x : tensor<2x2x6xf32>, tensor<2x6x6xf32>,
                              tensor<4x4xf32>, tensor<2x4x6xf32>
    })");
  Tensor x = noise({2, 4, 6}, 1);
  auto in = x.values<float>();
  Tensors y = run(module, "main", {{"x", x}}, {});
  std::vector<float> inner, joined, flat;
  for (size_t n = 0; n < 2; ++n) {
    const float* item = in.data() + n * 24;
    inner.insert(inner.end(), item + 6, item + 18);
    joined.insert(joined.end(), item, item + 24);
    joined.insert(joined.end(), item + 6, item + 18);
    for (size_t row = 0; row < 4; ++row)
      flat.insert(flat.end(), item + row * 6 + 3, item + row * 6 + 5);
  }
  EXPECT_EQ(y["inner"].values<float>(), inner);
  EXPECT_EQ(y["joined"].values<float>(), joined);
  EXPECT_EQ(y["flat"].values<float>(), flat);
  EXPECT_EQ(y["same"].values<float>(), in);
}

TEST(Compile, OneValueReturnedTwice) {
  auto module = compileText(R"(
    func.func @main(%x: tensor<2x3xf32> {burin.name = "x"})
        -> (tensor<2x3xf32> {burin.name = "a"},
            tensor<2x3xf32> {burin.name = "b"},
            tensor<6xf32> {burin.name = "c"}) {
      %0 = burin.unary "neg" %x : tensor<2x3xf32>
      %1 = burin.reshape %0 to [6] : tensor<2x3xf32>
      return %0, %0, %1 : tensor<2x3xf32>, tensor<2x3xf32>, tensor<6xf32>
    })");
  Tensors y =
      run(module, "main", {{"x", tensorOf({2, 3}, {1, 2, 3, 4, 5, 6})}}, {});
  std::vector<float> expected = {-1, -2, -3, -4, -5, -6};
  for (const char* name : {"a", "b", "c"})
    EXPECT_EQ(y[name].values<float>(), expected) << name;
}

// A residual sum that two readers need, and the normalisation of it, are one
// kernel with two results.
TEST(Compile, RowsKernelWithTwoResults) {
  auto module = compileText(R"(
    func.func @main(%x: tensor<2x3x20xf32> {burin.name = "x"},
                    %r: tensor<2x3x20xf32> {burin.name = "r"})
        -> (tensor<2x3x20xf32> {burin.name = "sum"},
            tensor<2x3x20xf32> {burin.name = "norm"}) {
      %g = burin.parameter "g" : tensor<20xf32>
      %b = burin.parameter "b" : tensor<20xf32>
      %0 = burin.binary "add" %x, %r
        : tensor<2x3x20xf32>, tensor<2x3x20xf32>
      %1 = burin.layer_norm %0, %g, %b eps 1.0e-05
        : tensor<2x3x20xf32>, tensor<20xf32>, tensor<20xf32>
      return %0, %1 : tensor<2x3x20xf32>, tensor<2x3x20xf32>
    })");
  Tensor x = noise({2, 3, 20}, 1), r = noise({2, 3, 20}, 2), g = noise({20}, 3),
         b = noise({20}, 4);
  Tensors y = run(module, "main", {{"x", x}, {"r", r}}, {{"g", g}, {"b", b}});
  EXPECT_EQ(verbs(module, "main").size(), 1u);
  std::vector<float> sum, norm;
  for (size_t row = 0; row < 6; ++row) {
    double mean = 0, variance = 0;
    for (size_t i = 0; i < 20; ++i) {
      sum.push_back(x.values<float>()[row * 20 + i] +
                    r.values<float>()[row * 20 + i]);
      mean += sum.back() / 20;
    }
    for (size_t i = 0; i < 20; ++i)
      variance += std::pow(sum[row * 20 + i] - mean, 2) / 20;
    for (size_t i = 0; i < 20; ++i)
      norm.push_back(static_cast<float>((sum[row * 20 + i] - mean) /
                                            std::sqrt(variance + 1e-5) *
                                            g.values<float>()[i] +
                                        b.values<float>()[i]));
  }
  EXPECT_EQ(y["sum"].values<float>(), sum);
  expectNear(y["norm"], norm, 3e-6f);
}

// Reductions over outer axes leave no rows to split by: the loops nest inside.
TEST(Compile, ReducesOuterAxes) {
  auto module = compileText(R"(
    func.func @main(%x: tensor<2x3x4x5xf32> {burin.name = "x"})
        -> (tensor<2x1x1x5xf32> {burin.name = "mean"},
            tensor<2x3x4x5xf32> {burin.name = "softmax"}) {
      %0 = burin.reduce "mean" %x axes [1, 2] : tensor<2x3x4x5xf32>
      %1 = burin.softmax %x axis 1 : tensor<2x3x4x5xf32>
      return %0, %1 : tensor<2x1x1x5xf32>, tensor<2x3x4x5xf32>
    })");
  Tensor x = noise({2, 3, 4, 5}, 1);
  auto in = x.values<float>();
  Tensors y = run(module, "main", {{"x", x}}, {});
  std::vector<float> mean(10), softmax(in.size());
  for (size_t n = 0; n < 2; ++n) {
    for (size_t c = 0; c < 5; ++c)
      for (size_t i = 0; i < 12; ++i)
        mean[n * 5 + c] += in[n * 60 + i * 5 + c] / 12;
    for (size_t i = 0; i < 20; ++i) {
      double total = 0;
      for (size_t h = 0; h < 3; ++h)
        total += std::exp(double(in[n * 60 + h * 20 + i]));
      for (size_t h = 0; h < 3; ++h)
        softmax[n * 60 + h * 20 + i] = static_cast<float>(
            std::exp(double(in[n * 60 + h * 20 + i])) / total);
    }
  }
  expectNear(y["mean"], mean, 1e-6f);
  expectNear(y["softmax"], softmax, 1e-6f);
}

TEST(Compile, WeightsThatAreComputedArePackedBeforeUse) {
  auto module = compileText(R"(
    func.func @main(%x: tensor<4x8xf32> {burin.name = "x"},
                    %w: tensor<16x8xf32> {burin.name = "w"})
        -> (tensor<4x16xf32> {burin.name = "y"}) {
      %0 = burin.unary "neg" %w : tensor<16x8xf32>
      %1 = burin.linear %x, %0 : tensor<4x8xf32>, tensor<16x8xf32>
      return %1 : tensor<4x16xf32>
    })");
  Tensor x = noise({4, 8}, 1), w = noise({16, 8}, 2);
  Tensors y = run(module, "main", {{"x", x}, {"w", w}}, {});
  auto expected = matmul(x.values<float>(), w.values<float>(), 4, 8, 16);
  for (float& value : expected)
    value = -value;
  expectNear(y["y"], expected, 1e-6f);
}

uint64_t arenaBytes(const std::vector<std::byte>& bytes) {
  auto parsed = module::read(bytes);
  return parsed.ok() ? module::findFunction(**parsed, "main")->arena_bytes()
                     : 0;
}

// The packed form lies in the arena beside the product that reads it, which
// must not be given its memory.
TEST(Compile, PackedWeightsLastUntilTheyAreRead) {
  auto module = compileText(R"(
    func.func @main(%x: tensor<999x64xf32> {burin.name = "x"},
                    %v: tensor<64x64xf32> {burin.name = "v"})
        -> (tensor<999x64xf32> {burin.name = "y"}) {
      %w = burin.parameter "w" : tensor<64x64xf32>
      %0 = burin.linear %x, %v : tensor<999x64xf32>, tensor<64x64xf32>
      %1 = burin.linear %0, %w : tensor<999x64xf32>, tensor<64x64xf32>
      return %1 : tensor<999x64xf32>
    })");
  Tensor x = noise({999, 64}, 1), v = noise({64, 64}, 2),
         w = noise({64, 64}, 3);
  Tensors y = run(module, "main", {{"x", x}, {"v", v}}, {{"w", w}});
  auto first = matmul(x.values<float>(), v.values<float>(), 999, 64, 64);
  expectNear(y["y"], matmul(first, w.values<float>(), 999, 64, 64), 2e-4f);
}

// The epilogue writes over the residual, which dies there, but never over the
// input of its own contraction.
TEST(Compile, EpilogueWritesOverTheResidual) {
  auto module = compileText(R"(
    func.func @main(%x: tensor<1x32x64xf32> {burin.name = "x"})
        -> (tensor<1x32x1xf32> {burin.name = "y"}) {
      %w = burin.parameter "w" : tensor<64x64xf32>
      %0 = burin.unary "neg" %x : tensor<1x32x64xf32>
      %1 = burin.linear %x, %w : tensor<1x32x64xf32>, tensor<64x64xf32>
      %2 = burin.binary "add" %1, %0
        : tensor<1x32x64xf32>, tensor<1x32x64xf32>
      %3 = burin.linear %2, %w : tensor<1x32x64xf32>, tensor<64x64xf32>
      %4 = burin.binary "add" %3, %2
        : tensor<1x32x64xf32>, tensor<1x32x64xf32>
      %5 = burin.reduce "sum" %4 axes [2] : tensor<1x32x64xf32>
      return %5 : tensor<1x32x1xf32>
    })");
  EXPECT_EQ(arenaBytes(module), 2u * 32 * 64 * sizeof(float));
  Tensor x = noise({1, 32, 64}, 1), w = noise({64, 64}, 2);
  Tensors y = run(module, "main", {{"x", x}}, {{"w", w}});
  auto in = x.values<float>();
  auto first = matmul(in, w.values<float>(), 32, 64, 64);
  for (size_t i = 0; i < first.size(); ++i)
    first[i] -= in[i];
  auto second = matmul(first, w.values<float>(), 32, 64, 64);
  std::vector<float> expected(32);
  for (size_t i = 0; i < second.size(); ++i)
    expected[i / 64] += second[i] + first[i];
  expectNear(y["y"], expected, 1e-3f);
}

// What compiling `text` for `target` is refused with; empty if it is not.
std::string refusal(const std::string& text, const std::string& target) {
  mlir::DialectRegistry registry;
  registerCompiler(registry);
  mlir::MLIRContext context(registry);
  std::string message;
  mlir::ScopedDiagnosticHandler collect(&context,
                                        [&](mlir::Diagnostic& diagnostic) {
                                          message += diagnostic.str() + "\n";
                                          return mlir::success();
                                        });
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  if (!module || mlir::succeeded(compileModule(*module, {.target = target})))
    return {};
  return message;
}

TEST(Compile, ProcessorsRefuseLibraryOpsInFloat16) {
  const std::pair<std::string, std::string> graphs[] = {
      {"linear", R"(
    func.func @main(%x: tensor<2x8xf16> {burin.name = "x"})
        -> (tensor<2x6xf16> {burin.name = "y"}) {
      %w = burin.parameter "w" : tensor<6x8xf16>
      %0 = burin.linear %x, %w : tensor<2x8xf16>, tensor<6x8xf16>
      return %0 : tensor<2x6xf16>
    })"},
      {"conv2d", R"(
    func.func @main(%x: tensor<1x4x4x8xf16> {burin.name = "x"})
        -> (tensor<1x4x4x6xf16> {burin.name = "y"}) {
      %w = burin.parameter "w" : tensor<6x8x3x3xf16>
      %0 = burin.conv2d %x, %w stride 1 padding [1, 1, 1, 1]
        : tensor<1x4x4x8xf16>, tensor<6x8x3x3xf16>
      return %0 : tensor<1x4x4x6xf16>
    })"},
      {"attention", R"(
    func.func @main(%q: tensor<2x5x8xf16> {burin.name = "q"},
                    %k: tensor<2x7x8xf16> {burin.name = "k"})
        -> (tensor<2x5x8xf16> {burin.name = "y"}) {
      %0 = burin.attention %q, %k, %k heads 2 scale 5.0e-01
        : tensor<2x5x8xf16>, tensor<2x7x8xf16>, tensor<2x7x8xf16>
      return %0 : tensor<2x5x8xf16>
    })"},
      {"group_affine", R"(
    func.func @main(%x: tensor<2x4x8xf16> {burin.name = "x"})
        -> (tensor<2x4x8xf16> {burin.name = "y"}) {
      %g = burin.parameter "g" : tensor<8xf32>
      %0 = burin.group_norm %x, %g, %g groups 2 eps 1.0e-05
        : tensor<2x4x8xf16>, tensor<8xf32>, tensor<8xf32>
      return %0 : tensor<2x4x8xf16>
    })"},
  };
  for (const auto& [op, text] : graphs)
    for (const char* target : {"x86-64-v3", "x86-64-v4"}) {
      std::string message = refusal(text, target);
      EXPECT_NE(message.find("'burin." + op +
                             "' op has no kernel for 'f16' on a processor; "
                             "cast to f32 or bf16"),
                std::string::npos)
          << op << " for " << target << ": " << message;
    }
}

TEST(Compile, NoElements) {
  auto module = compileText(R"(
    func.func @main(%x: tensor<0x4xf32> {burin.name = "x"})
        -> (tensor<0x4xf32> {burin.name = "y"}) {
      %0 = burin.unary "silu" %x : tensor<0x4xf32>
      return %0 : tensor<0x4xf32>
    })");
  Tensors y = run(module, "main", {{"x", tensorOf({0, 4}, {})}}, {});
  EXPECT_TRUE(y["y"].data.empty());
}

} // namespace
} // namespace burin::testing
