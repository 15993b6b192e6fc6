// SPDX-License-Identifier: Apache-2.0
// Emits the steps of one function into a module under construction.
#pragma once

#include "compiler/plan/placement.h"
#include "formats/module/module.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringMap.h"

#include <string>

namespace burin {

module::DType moduleDType(mlir::Type element);
// The path of the layer that `location` names, or "?".
std::string locationText(mlir::Location location);

// What the functions of a module share: constants, states, kernels, and the
// steps of `prepare` that fill the states.
class ModuleTables {
public:
  ModuleTables(module::ModuleT& module, mlir::ModuleOp kernels)
      : module_(module), kernelOps_(kernels) {}

  mlir::FailureOr<uint32_t> constant(ParameterOp parameter);
  uint32_t kernel(llvm::StringRef symbol);
  // Of a kernel that visits rows: how many there are.
  int64_t workItems(llvm::StringRef symbol);
  // Of each result of a kernel: the captured slice that may share its memory,
  // or -1.
  llvm::ArrayRef<int64_t> inPlace(llvm::StringRef symbol);
  // The state that holds `source`, a window of a constant, packed; packed once
  // however many functions use it.
  uint32_t packedState(const module::SliceT& source, const Packing& packing,
                       const std::string& location);
  // Adds `prepare` if any state was packed.
  void finish();

private:
  module::ModuleT& module_;
  mlir::ModuleOp kernelOps_;
  llvm::StringMap<uint32_t> constants_, kernels_, states_;
  module::FunctionT prepare_;
};

mlir::LogicalResult emitFunction(mlir::func::FuncOp function,
                                 ModuleTables& tables,
                                 module::FunctionT& result);

} // namespace burin
