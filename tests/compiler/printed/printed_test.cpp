// SPDX-License-Identifier: Apache-2.0
// Printed kernels, run on the CPU, compute what the ops' references compute,
// and write nothing else.
#include "compiler/compile.h"
#include "compiler/dialect/inference.h"
#include "compiler/passes/kernels.h"
#include "tests/compiler/printed/graphs.h"
#include "tests/compiler/printed/kernels.h"
#include "tests/models/interpreter.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

namespace burin::printed {
namespace {

// A tensor as its slice lies in memory; the gaps between rows are `kGap`.
class Memory {
public:
  Memory(const ReferenceTensor& tensor, DType dtype, unsigned slice)
      : dtype_(dtype), extent_(tensor.shape.back()),
        rows_(tensor.count() / extent_), pitch_(pitchOf(slice, extent_)),
        bytes_(rows_ * pitch_ * byteSize(dtype) + kAlignment, kGap) {
    for (int64_t i = 0; i < tensor.count(); ++i)
      set(i, tensor.values[i]);
  }

  Slice slice() { return {data(), pitch_}; }

  double get(int64_t i) {
    switch (dtype_) {
    case DType::kBF16:
      return bf16ToFloat(*at<uint16_t>(i));
    case DType::kF16:
      return f16ToFloat(*at<uint16_t>(i));
    case DType::kF32:
      return *at<float>(i);
    default:
      return static_cast<double>(*at<int64_t>(i));
    }
  }

  void expectGapsUntouched() {
    auto element = static_cast<int64_t>(byteSize(dtype_));
    for (int64_t i = 0; i < rows_ * pitch_ * element; ++i)
      if (i / element % pitch_ >= extent_) {
        ASSERT_EQ(data()[i], kGap) << "byte " << i;
      }
  }

private:
  static constexpr unsigned char kGap = 0xff; // a NaN of every float type

  unsigned char* data() {
    auto address = reinterpret_cast<uintptr_t>(bytes_.data());
    return bytes_.data() + (kAlignment - address % kAlignment) % kAlignment;
  }
  template <typename T>
  T* at(int64_t i) {
    return reinterpret_cast<T*>(data()) + i / extent_ * pitch_ + i % extent_;
  }
  void set(int64_t i, double value) {
    switch (dtype_) {
    case DType::kBF16:
      *at<uint16_t>(i) = floatToBf16(static_cast<float>(value));
      break;
    case DType::kF16:
      *at<uint16_t>(i) = floatToF16(static_cast<float>(value));
      break;
    case DType::kF32:
      *at<float>(i) = static_cast<float>(value);
      break;
    default:
      *at<int64_t>(i) = static_cast<int64_t>(value);
    }
  }

  DType dtype_;
  int64_t extent_, rows_, pitch_;
  std::vector<unsigned char> bytes_;
};

DType typeOf(mlir::Type type) {
  return *dtypeOf(mlir::cast<mlir::RankedTensorType>(type).getElementType());
}

// Multiples of 1/8 between -4 and 4, which every type but integers holds.
ReferenceTensor noise(mlir::Type type, std::mt19937& random) {
  auto shape = mlir::cast<mlir::RankedTensorType>(type).getShape();
  ReferenceTensor tensor(Shape(shape.begin(), shape.end()));
  std::uniform_int_distribution<int> eighths(-32, 32);
  for (double& value : tensor.values)
    value =
        typeOf(type) == DType::kI64 ? eighths(random) : eighths(random) / 8.;
  return tensor;
}

class Printed : public testing::TestWithParam<size_t> {};

TEST_P(Printed, ComputesTheReference) {
  const Kernel& kernel = kKernels[GetParam()];
  mlir::DialectRegistry registry;
  registerCompiler(registry);
  mlir::MLIRContext context(registry);
  auto module = mlir::parseSourceString<mlir::ModuleOp>(
      kGraphs[GetParam()].text, &context);
  ASSERT_TRUE(module);
  auto graph = *module->getOps<mlir::func::FuncOp>().begin();
  size_t tiles = graph->hasAttr(kGatedAttr)      ? 2
                 : graph->hasAttr(kEpilogueAttr) ? 1
                                                 : 0;
  std::mt19937 random(7);
  std::vector<ReferenceTensor> arguments;
  std::vector<std::vector<float>> sums; // of the tiles
  std::vector<Memory> memory;
  for (mlir::Type type : graph.getArgumentTypes()) {
    arguments.push_back(noise(type, random));
    const ReferenceTensor& tensor = arguments.back();
    if (sums.size() < tiles)
      sums.emplace_back(tensor.values.begin(), tensor.values.end());
    else
      memory.emplace_back(tensor, typeOf(type), memory.size());
  }
  auto expected = interpret(graph, arguments, [](std::string_view name) {
    return Result<ReferenceTensor>(notFound(std::string(name)));
  });
  ASSERT_TRUE(expected.ok()) << expected.status().message();
  const size_t inputs = memory.size();
  for (size_t i = 0; i < expected->size(); ++i)
    memory.emplace_back(ReferenceTensor((*expected)[i].shape),
                        typeOf(graph.getResultTypes()[i]), memory.size());

  std::vector<Slice> slices;
  slices.reserve(memory.size());
  for (Memory& each : memory)
    slices.push_back(each.slice());
  if (tiles > 0) {
    const float* data[2] = {sums[0].data(), sums.back().data()};
    int64_t rows = arguments[0].count() / arguments[0].shape.back();
    kernel.finish(data, slices.data(), rows);
  } else {
    kernel.run(slices.data());
  }

  for (Memory& each : memory)
    each.expectGapsUntouched();
  for (size_t i = 0; i < expected->size(); ++i) {
    DType dtype = typeOf(graph.getResultTypes()[i]);
    double tolerance = dtype == DType::kBF16  ? 1. / 64 // two roundings
                       : dtype == DType::kF16 ? 1. / 512
                       : dtype == DType::kF32 ? 1e-5
                                              : 0;
    const std::vector<double>& values = (*expected)[i].values;
    for (size_t j = 0; j < values.size(); ++j)
      ASSERT_NEAR(memory[inputs + i].get(static_cast<int64_t>(j)), values[j],
                  tolerance * std::max(1., std::abs(values[j])))
          << "result " << i << ", element " << j;
  }
}

INSTANTIATE_TEST_SUITE_P(Graphs, Printed,
                         testing::Range<size_t>(0, std::size(kGraphs)),
                         [](const auto& info) {
                           return std::string(kGraphs[info.param].name);
                         });

} // namespace
} // namespace burin::printed
