// SPDX-License-Identifier: Apache-2.0
// The way a graph takes from text to numbers, as products take it.
#include "tests/compiler/harness.h"

#include "kernels/catalog.h"
#include "runtime/device/cpu/cpu_device.h"
#include "runtime/program/program.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

#include <cstring>

namespace burin::testing {

Tensor tensorOf(Shape shape, const std::vector<float>& values) {
  Tensor tensor{DType::kF32, std::move(shape), {}};
  tensor.data.resize(values.size() * sizeof(float));
  std::memcpy(tensor.data.data(), values.data(), tensor.data.size());
  return tensor;
}

Tensor noise(Shape shape, uint32_t seed) {
  std::vector<float> values(*elementCount(shape));
  uint32_t state = seed * 2654435761u + 12345u;
  for (float& value : values) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<float>(static_cast<int32_t>(state)) * 0x1p-31f;
  }
  return tensorOf(std::move(shape), values);
}

std::string hostTarget() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
             ? "x86-64-v4"
             : "x86-64-v3";
}

std::vector<std::byte> compileText(const std::string& text,
                                   const std::string& target) {
  mlir::DialectRegistry registry;
  registerCompiler(registry);
  mlir::MLIRContext context(registry);
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  if (!module) {
    ADD_FAILURE() << "the test's text does not parse";
    return {};
  }
  auto bytes = compileModule(*module, {.target = target});
  if (failed(bytes)) {
    ADD_FAILURE() << "does not compile";
    return {};
  }
  return *std::move(bytes);
}

Tensors run(const std::vector<std::byte>& module, const std::string& name,
            const Tensors& inputs, const Tensors& constants) {
  auto device = createCpuDevice({2, kernels::findCpuKernel});
  auto program = Program::load(module, *device);
  if (!program.ok()) {
    ADD_FAILURE() << program.status().message();
    return {};
  }
  Status bound = (*program)->bind([&](std::string_view constant)
                                      -> Result<TensorView> {
    auto found = constants.find(std::string(constant));
    if (found == constants.end())
      return notFound("constant '" + std::string(constant) + "'");
    const Tensor& tensor = found->second;
    return TensorView{found->first, tensor.dtype, tensor.shape, tensor.data};
  });
  EXPECT_TRUE(bound.ok()) << bound.message();
  Status prepared = (*program)->prepare({});
  EXPECT_TRUE(prepared.ok()) << prepared.message();
  auto function = (*program)->find(name);
  if (!function.ok() || !bound.ok() || !prepared.ok()) {
    ADD_FAILURE() << function.status().message();
    return {};
  }
  std::vector<TensorView> views;
  for (const auto& [key, tensor] : inputs)
    views.push_back({key, tensor.dtype, tensor.shape, tensor.data});
  Tensors results;
  std::vector<OutputView> outputs;
  for (const TensorSpec& spec : (*function)->outputs) {
    Tensor& tensor = results[spec.name];
    tensor = {spec.dtype, spec.shape, {}};
    tensor.data.resize(*byteCount(spec.dtype, spec.shape));
    outputs.push_back({spec.name, spec.dtype, tensor.shape, tensor.data});
  }
  Status ran = (*program)->run(**function, views, outputs);
  EXPECT_TRUE(ran.ok()) << ran.message();
  return results;
}

} // namespace burin::testing
