#pragma once
#include "kernels/cuda/plan.h"
namespace burin::kernels::cuda {
Result<LaunchPlan> planContract(std::span<const int64_t> params, const SliceInfo& input, const EpilogueText& epilogue, const Target& target);
int64_t packedContractBytes(std::span<const int64_t> params, DType dtype, bool gated, const Target&);
Result<LaunchPlan> planPackContract(std::span<const int64_t> contractParams, DType weightDType, int64_t rows, int64_t firstRow, DType dtype, bool gated, const Target&);
}
