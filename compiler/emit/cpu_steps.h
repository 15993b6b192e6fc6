// SPDX-License-Identifier: Apache-2.0
// How the CPU runs regions.
#pragma once

#include "compiler/emit/function_emitter.h"

namespace burin {

class CpuSteps final : public StepEmitter {
public:
  explicit CpuSteps(ModuleTables& tables) : tables_(tables) {}

  mlir::LogicalResult emit(RegionOp region, FunctionEmitter& function) override;

private:
  mlir::LogicalResult emitLaunch(RegionOp region, FunctionEmitter& function);
  mlir::LogicalResult emitCall(RegionOp region, FunctionEmitter& function);
  mlir::FailureOr<uint32_t> packed(mlir::Value weight, const Packing& packing,
                                   mlir::Location location,
                                   FunctionEmitter& function);

  ModuleTables& tables_;
};

} // namespace burin
