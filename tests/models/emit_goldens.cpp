// SPDX-License-Identifier: Apache-2.0
// Compiles every golden for another machine, in float32, in bf16 and for a card
// in float16, and writes it for burin-replay:
//
//   emit_goldens --emit FOLDER --target sm_90a
#include "tests/models/golden.h"
#include "tests/models/golden_names.h"
#include "tests/numerics/operands.h"
#include "tests/replay/replay_case.h"

#include "compiler/compile.h"

#include <cstdio>

namespace burin::golden {
namespace {

// Tensors of the file that are neither inputs nor outputs of its functions.
bool isConstant(std::string_view name) {
  return !name.starts_with("inputs.") && !name.starts_with("outputs.");
}

std::string toleranceOf(DType precision) {
  return precision == DType::kF32
             ? "network"
             : "network_" + std::string(burin::name(precision));
}

Status emitFunction(const Golden& golden, const Function& function,
                    const replay::CaseWriter& shared, DType precision,
                    const std::string& folder, const std::string& name) {
  replay::CaseWriter writer = shared;
  for (const TensorView& tensor : golden.file().tensors())
    if (isConstant(tensor.name))
      writer.addConstant(std::string(tensor.name), tensor.dtype,
                         Shape(tensor.shape.begin(), tensor.shape.end()),
                         tensor.data);
  for (const TensorView& tensor : function.inputs)
    writer.addInput(std::string(tensor.name), tensor.dtype,
                    Shape(tensor.shape.begin(), tensor.shape.end()),
                    tensor.data);
  std::vector<ReferenceTensor> expected; // what the writer points into
  expected.reserve(function.outputs.size());
  for (const TensorView& tensor : function.outputs) {
    expected.push_back(numerics::decode(
        {tensor.data.begin(), tensor.data.end()},
        Shape(tensor.shape.begin(), tensor.shape.end()), tensor.dtype));
    writer.expect(std::string(tensor.name), expected.back(),
                  toleranceOf(precision));
  }
  return writer.write(folder,
                      "golden." + name + "." + function.name + "_" +
                          std::string(burin::name(precision)),
                      function.name);
}

Status emitGolden(const std::string& name, DType precision,
                  const replay::EmitOptions& options) {
  BURIN_ASSIGN(Golden golden, Golden::open(name));
  mlir::DialectRegistry registry;
  registerCompiler(registry);
  mlir::MLIRContext context(registry);
  BURIN_ASSIGN(auto graph, golden.build(context, precision));
  auto bytes = compileModule(*graph, {.target = options.target});
  if (mlir::failed(bytes))
    return internalError("does not compile for " + options.target);
  replay::CaseWriter shared;
  shared.module = *std::move(bytes);
  for (const Function& function : golden.functions())
    BURIN_TRY(emitFunction(golden, function, shared, precision, options.folder,
                           name));
  return okStatus();
}

int run(int argc, char** argv) {
  auto options = replay::EmitOptions::parse(argc, argv);
  if (!options.ok() || options->folder.empty()) {
    std::fprintf(stderr, "%s\n",
                 options.ok() ? "--emit FOLDER --target TARGET are missing"
                              : options.status().message().c_str());
    return 2;
  }
  std::vector<DType> precisions{DType::kF32, DType::kBF16};
  if (options->isCard())
    precisions.push_back(DType::kF16);
  int failed = 0;
  for (const char* name : kGoldens)
    for (DType precision : precisions) {
      Status status = emitGolden(name, precision, *options);
      failed += !status.ok();
      std::printf("%s %s: %s\n", name,
                  std::string(burin::name(precision)).c_str(),
                  status.ok() ? "written" : status.message().c_str());
    }
  return failed ? 1 : 0;
}

} // namespace
} // namespace burin::golden

int main(int argc, char** argv) {
  return burin::golden::run(argc, argv);
}
