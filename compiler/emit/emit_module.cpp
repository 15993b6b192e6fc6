// SPDX-License-Identifier: Apache-2.0
// Puts a module together.
#include "compiler/emit/emit_module.h"

#include "compiler/codegen/cuda/cuda_steps.h"
#include "compiler/emit/cpu_steps.h"
#include "compiler/passes/kernels.h"

using namespace mlir;

namespace burin {

static LogicalResult emitFunctions(ModuleOp module, ModuleTables& tables,
                                   StepEmitter& steps,
                                   module::ModuleT& result) {
  result.abi = module::kAbi;
  result.producer = compilerVersion();
  for (auto function : module.getOps<func::FuncOp>()) {
    auto entry = std::make_unique<module::FunctionT>();
    if (failed(FunctionEmitter(function, tables, *entry).run(steps)))
      return failure();
    result.functions.push_back(std::move(entry));
  }
  tables.finish();
  return success();
}

FailureOr<module::ModuleT>
emitModule(ModuleOp module, ArrayRef<std::byte> image, StringRef target) {
  module::ModuleT result;
  if (!image.empty()) {
    auto entry = std::make_unique<module::ImageT>();
    entry->kind = module::ImageKind::CpuElf;
    entry->target = target.str();
    auto first = reinterpret_cast<const uint8_t*>(image.data());
    entry->data.assign(first, first + image.size());
    result.images.push_back(std::move(entry));
  }
  ModuleTables tables(result, module.lookupSymbol<ModuleOp>(kKernelsModule));
  CpuSteps steps(tables);
  if (failed(emitFunctions(module, tables, steps, result)))
    return failure();
  return result;
}

FailureOr<module::ModuleT> emitCudaModule(ModuleOp module,
                                          const kernels::cuda::Target& target) {
  module::ModuleT result;
  auto kernels = module.lookupSymbol<ModuleOp>(kKernelsModule);
  ModuleTables tables(result, kernels);
  CudaSteps steps(tables, kernels, target);
  if (failed(emitFunctions(module, tables, steps, result)) ||
      failed(steps.finish(result, module.getLoc())))
    return failure();
  return result;
}

} // namespace burin
