// SPDX-License-Identifier: Apache-2.0
// Puts a module together.
#include "compiler/emit/emit_module.h"

#include "compiler/emit/cpu_steps.h"
#include "compiler/passes/kernels.h"

using namespace mlir;

namespace burin {

FailureOr<module::ModuleT>
emitModule(ModuleOp module, ArrayRef<std::byte> image, StringRef target) {
  module::ModuleT result;
  result.abi = module::kAbi;
  result.producer = compilerVersion();
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
  for (auto function : module.getOps<func::FuncOp>()) {
    auto entry = std::make_unique<module::FunctionT>();
    if (failed(FunctionEmitter(function, tables, *entry).run(steps)))
      return failure();
    result.functions.push_back(std::move(entry));
  }
  tables.finish();
  return result;
}

} // namespace burin
