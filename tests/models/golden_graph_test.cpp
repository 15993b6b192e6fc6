// SPDX-License-Identifier: Apache-2.0
// The graphs of every block and small model compute what diffusers and
// transformers compute, before any pass has touched them.
#include "tests/models/golden.h"
#include "tests/models/golden_names.h"
#include "tests/models/interpreter.h"

#include <gtest/gtest.h>

#include <cstdio>

namespace burin::golden {
namespace {

constexpr double kLimit = 1e-5;

template <typename T>
ReferenceTensor convert(const TensorView& tensor) {
  auto* data = reinterpret_cast<const T*>(tensor.data.data());
  return {Shape(tensor.shape.begin(), tensor.shape.end()),
          std::vector<double>(data, data + tensor.data.size() / sizeof(T))};
}

ReferenceTensor toReference(const TensorView& tensor) {
  return tensor.dtype == DType::kI64 ? convert<int64_t>(tensor)
                                     : convert<float>(tensor);
}

double errorOf(const ReferenceTensor& actual, const TensorView& expected) {
  std::vector<float> values(actual.values.begin(), actual.values.end());
  TensorView view = expected;
  view.data = std::as_bytes(std::span(values));
  return relativeError(view, expected);
}

// The tensor named `name`, or null.
const TensorView* byName(const std::vector<TensorView>& tensors,
                         llvm::StringRef name) {
  for (const TensorView& tensor : tensors)
    if (name == llvm::StringRef(tensor.name.data(), tensor.name.size()))
      return &tensor;
  return nullptr;
}

class GoldenGraph : public testing::TestWithParam<const char*> {
protected:
  void check(const Golden& golden, const Function& function,
             mlir::func::FuncOp graph) {
    std::vector<ReferenceTensor> arguments;
    for (unsigned i = 0; i < graph.getNumArguments(); ++i) {
      auto name = graph.getArgAttrOfType<mlir::StringAttr>(i, "burin.name");
      const TensorView* input = byName(function.inputs, name.getValue());
      ASSERT_TRUE(input) << name.getValue().str();
      arguments.push_back(toReference(*input));
    }
    auto results = interpret(graph, arguments, [&](std::string_view name) {
      const TensorView* tensor = golden.file().find(name);
      return tensor ? Result<ReferenceTensor>(toReference(*tensor))
                    : Result<ReferenceTensor>(notFound(std::string(name)));
    });
    ASSERT_TRUE(results.ok()) << results.status().message();
    ASSERT_EQ(results->size(), function.outputs.size());
    for (unsigned i = 0; i < results->size(); ++i) {
      auto name = graph.getResultAttrOfType<mlir::StringAttr>(i, "burin.name");
      const TensorView* expected = byName(function.outputs, name.getValue());
      ASSERT_TRUE(expected) << name.getValue().str();
      EXPECT_TRUE(std::ranges::equal((*results)[i].shape, expected->shape));
      double error = errorOf((*results)[i], *expected);
      std::printf("%s %s: %.1e, %.1f %% of the limit\n", function.name.c_str(),
                  name.str().c_str(), error, 100 * error / kLimit);
      EXPECT_LE(error, kLimit);
    }
  }
};

TEST_P(GoldenGraph, MatchesTheFramework) {
  auto golden = Golden::open(GetParam());
  ASSERT_TRUE(golden.ok()) << golden.status().message();
  mlir::MLIRContext context;
  auto module = golden->build(context);
  ASSERT_TRUE(module.ok()) << module.status().message();
  ASSERT_FALSE(golden->functions().empty());
  for (const Function& function : golden->functions()) {
    auto graph = (*module)->lookupSymbol<mlir::func::FuncOp>(function.name);
    ASSERT_TRUE(graph) << function.name;
    check(*golden, function, graph);
  }
}

INSTANTIATE_TEST_SUITE_P(Goldens, GoldenGraph, testing::ValuesIn(kGoldens),
                         [](const auto& info) { return info.param; });

} // namespace
} // namespace burin::golden
