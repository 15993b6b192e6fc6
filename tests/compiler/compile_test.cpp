// SPDX-License-Identifier: Apache-2.0
// Small graphs through the whole compiler and the runtime, against values
// computed here by plain loops.
#include "tests/compiler/harness.h"

#include <gtest/gtest.h>

#include <cmath>

namespace burin::testing {
namespace {

float silu(float x) { return x / (1 + std::exp(-x)); }

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
    expected[i] = silu(expected[i] + b.values<float>()[i % 40]) +
                  r.values<float>()[i];
  expectNear(y["y"], expected, 2e-6f);
}

} // namespace
} // namespace burin::testing
