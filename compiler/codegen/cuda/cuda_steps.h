// SPDX-License-Identifier: Apache-2.0
// How a GPU runs regions: every step is the launch of one kernel, chosen and
// printed for its shapes.
#pragma once

#include "compiler/codegen/cuda/cuda_target.h"
#include "compiler/emit/function_emitter.h"

#include "llvm/ADT/StringMap.h"

namespace burin {

class CudaSteps final : public StepEmitter {
public:
  // `kernels` holds the generated functions, lowered to linalg.
  CudaSteps(ModuleTables& tables, mlir::ModuleOp kernels,
            kernels::cuda::Target target)
      : tables_(tables), kernels_(kernels), target_(std::move(target)) {}

  mlir::LogicalResult emit(RegionOp region, FunctionEmitter& function) override;
  // Compiles the texts of all kernels of `module` into images.
  mlir::LogicalResult finish(module::ModuleT& module, mlir::Location location);

private:
  struct Work;       // one region being emitted
  struct WeightPart; // what one weight fills of a packed matrix
  mlir::FailureOr<kernels::cuda::LaunchPlan> planLibrary(Work& work);
  mlir::FailureOr<kernels::cuda::LaunchPlan>
  planWeightGradient(Work& work, llvm::ArrayRef<int64_t> params);
  mlir::FailureOr<kernels::cuda::LaunchPlan>
  planAttentionGradient(Work& work, const LibraryCall& call);
  mlir::FailureOr<kernels::cuda::LaunchPlan>
  planGroupNorm(Work& work, const LibraryCall& call);
  mlir::FailureOr<kernels::cuda::LaunchPlan>
  planContraction(Work& work, const LibraryCall& call);
  static std::vector<WeightPart> weightParts(Work& work,
                                             const LibraryCall& call);
  mlir::FailureOr<uint32_t> packedWeights(Work& work,
                                          llvm::ArrayRef<WeightPart> weights,
                                          const LibraryCall& call, DType dtype,
                                          bool gated);
  mlir::FailureOr<kernels::cuda::LaunchPlan> planTiled(Work& work);
  mlir::LogicalResult addOwnSlices(Work& work, mlir::ValueRange values);
  mlir::FailureOr<kernels::cuda::EpilogueText> epilogueOf(Work& work);
  // The launch of `plan` on `slices`; its text is compiled by finish().
  module::VerbUnion launch(const kernels::cuda::LaunchPlan& plan,
                           std::vector<uint32_t> slices);

  ModuleTables& tables_;
  mlir::ModuleOp kernels_;
  kernels::cuda::Target target_;
  llvm::StringMap<std::string> texts_; // by symbol
};

} // namespace burin
