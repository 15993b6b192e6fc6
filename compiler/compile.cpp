// SPDX-License-Identifier: Apache-2.0
// The stages: graph, regions, kernels, native code, module.
#include "compiler/compile.h"

#include "compiler/codegen/cpu/object.h"
#include "compiler/codegen/cuda/cuda_steps.h"
#include "compiler/dialect/dialect.h"
#include "compiler/emit/emit_module.h"
#include "compiler/passes/kernels.h"
#include "compiler/pipeline.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace burin {

void registerCompiler(DialectRegistry& registry) {
  registry.insert<BurinDialect, arith::ArithDialect, func::FuncDialect,
                  linalg::LinalgDialect, LLVM::LLVMDialect, math::MathDialect,
                  tensor::TensorDialect>();
  registerObjectTranslations(registry);
}

// Native code of a processor for the kernels, which are linalg; no bytes where
// there are none.
static FailureOr<std::vector<std::byte>> compileLoops(ModuleOp module,
                                                      StringRef target) {
  PassManager passes(module.getContext());
  buildLoopPipeline(passes);
  if (failed(passes.run(module)))
    return failure();
  auto kernels = module.lookupSymbol<ModuleOp>(kKernelsModule);
  if (kernels.getBody()->empty())
    return std::vector<std::byte>();
  return emitSharedObject(kernels, target);
}

FailureOr<std::vector<std::byte>> compileModule(ModuleOp module,
                                                const CompileOptions& options) {
  auto gpu = cudaTarget(options.target);
  if (!gpu && options.target != "x86-64-v3" && options.target != "x86-64-v4")
    return module.emitError("no code generator for target '")
           << options.target
           << "'; there are x86-64-v3, x86-64-v4, sm_90a, sm_89, sm_86 and "
              "sm_80";
  PassManager passes(module.getContext());
  buildGraphPipeline(passes, options.target);
  buildKernelPipeline(passes);
  if (failed(passes.run(module)))
    return failure();

  FailureOr<module::ModuleT> result = failure();
  if (gpu) {
    result = emitCudaModule(module, *gpu);
  } else {
    auto image = compileLoops(module, options.target);
    if (succeeded(image))
      result = emitModule(module, *image, options.target);
  }
  if (failed(result))
    return failure();
  Result<std::vector<std::byte>> bytes = module::write(*result);
  if (!bytes.ok())
    return module.emitError(bytes.status().message());
  return *std::move(bytes);
}

} // namespace burin
