// SPDX-License-Identifier: Apache-2.0
// Writes the printed kernels of kGraphs as one C++ file, which a test is built
// of: print_kernels FILE
#include "compiler/codegen/cuda/epilogue.h"
#include "compiler/codegen/cuda/rows.h"
#include "compiler/compile.h"
#include "compiler/dialect/inference.h"
#include "compiler/passes/kernels.h"
#include "compiler/passes/passes.h"
#include "tests/compiler/printed/graphs.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/FormatVariadic.h"

#include <cstdio>
#include <fstream>

using namespace mlir;
using llvm::formatv;

namespace burin::printed {
namespace {

SmallVector<kernels::cuda::SliceInfo> slicesOf(func::FuncOp kernel,
                                               unsigned firstArgument) {
  SmallVector<Type> types(kernel.getArgumentTypes().drop_front(firstArgument));
  llvm::append_range(types, kernel.getResultTypes());
  SmallVector<kernels::cuda::SliceInfo> slices;
  for (Type each : types) {
    auto type = cast<RankedTensorType>(each);
    int64_t extent = type.getShape().back();
    slices.push_back({*dtypeOf(type.getElementType()),
                      type.getNumElements() / extent, extent,
                      pitchOf(slices.size(), extent), kAlignment});
  }
  return slices;
}

// Adds the text of `kernel` to `texts` and its row of the table to `table`.
LogicalResult print(func::FuncOp kernel, unsigned number, std::string& texts,
                    std::string& table) {
  if (!kernel->hasAttr(kEpilogueAttr)) {
    FailureOr<kernels::cuda::LaunchPlan> plan =
        planRows(kernel, slicesOf(kernel, 0));
    if (failed(plan))
      return failure();
    texts += plan->source;
    table += formatv("    {{[](const Slice* slices) {{\n"
                     "       runKernel({0}, {1}, {2}, slices);\n"
                     "     }, nullptr},\n",
                     plan->symbol, plan->blocks[0], plan->threads);
    return success();
  }
  unsigned tiles = kernel->hasAttr(kGatedAttr) ? 2 : 1;
  SmallVector<kernels::cuda::SliceInfo> slices = slicesOf(kernel, tiles);
  FailureOr<kernels::cuda::EpilogueText> epilogue =
      printEpilogue(kernel, slices);
  if (failed(epilogue))
    return failure();
  texts += formatv("namespace epilogue{0} {{\n{1}}\n", number, epilogue->text);
  table += formatv("    {{nullptr, runEpilogue<epilogue{0}::Epilogue, {1}>},\n",
                   number, slices.size());
  return success();
}

int run(const char* path) {
  DialectRegistry registry;
  registerCompiler(registry);
  MLIRContext context(registry);
  std::string texts, table;
  unsigned number = 0;
  for (const Graph& graph : kGraphs) {
    auto module = parseSourceString<ModuleOp>(graph.text, &context);
    PassManager passes(&context);
    passes.addNestedPass<func::FuncOp>(createLowerKernels());
    if (!module || failed(passes.run(*module)) ||
        failed(print(*module->getOps<func::FuncOp>().begin(), number++, texts,
                     table))) {
      std::fprintf(stderr, "graph %s does not print\n", graph.name);
      return 1;
    }
  }
  std::ofstream file(path);
  file << "#include \"tests/compiler/printed/emulate.h\"\n\n"
       << texts << "\nnamespace burin::printed {\n"
       << "const std::vector<Kernel> kKernels = {\n"
       << table << "};\n} // namespace burin::printed\n";
  return file.good() ? 0 : 1;
}

} // namespace
} // namespace burin::printed

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: print_kernels FILE\n");
    return 2;
  }
  return burin::printed::run(argv[1]);
}
