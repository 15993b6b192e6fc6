// SPDX-License-Identifier: Apache-2.0
// The table of CPU kernels, once per instruction set.
#include "kernels/catalog.h"

#include <array>

#include "kernels/cpu/attention/attention.h"
#include "kernels/cpu/attention_gradient/attention_gradient.h"
#include "kernels/cpu/contract/contract.h"
#include "kernels/cpu/contracts.h"
#include "kernels/cpu/gather_rows/gather_rows.h"
#include "kernels/cpu/group_affine/group_affine.h"
#include "kernels/cpu/isa/isa.h"
#include "kernels/cpu/random_normal/random_normal.h"
#include "kernels/cpu/weight_gradient/weight_gradient.h"

namespace burin::kernels {
namespace {

using Params = std::span<const int64_t>;
using RunFn = void (*)(const CallArgs&, int64_t, int64_t, std::byte*);

size_t noScratch(Params) {
  return 0;
}

// A kernel's run function for one instruction set.
template <const Isa& kIsa, void (*kRun)(const Isa&, const CallArgs&, int64_t,
                                        int64_t, std::byte*)>
void with(const CallArgs& args, int64_t begin, int64_t end,
          std::byte* scratch) {
  kRun(kIsa, args, begin, end, scratch);
}

// A kernel that needs neither scratch nor an instruction set.
template <void (*kRun)(const CallArgs&, int64_t, int64_t)>
void plain(const CallArgs& args, int64_t begin, int64_t end, std::byte*) {
  kRun(args, begin, end);
}

template <const Isa& kIsa>
constexpr std::array<CpuKernel, 16> kKernels = {{
    {"pack_contract.f32", 2, kPackParamCount, false, checkPackContract,
     packContractScratch, packContractItems, packContractF32},
    {"pack_contract.bf16", 2, kPackParamCount, false, checkPackContract,
     packContractScratch, packContractItems, packContractBF16},
    {"pack_transposed.f32", 2, kPackParamCount, false, checkPackContract,
     packContractScratch, packContractItems, packTransposedF32},
    {"pack_transposed.bf16", 2, kPackParamCount, false, checkPackContract,
     packContractScratch, packContractItems, packTransposedBF16},
    {"contract.f32", 2, kContractParamCount, true, checkContract,
     contractScratchF32, contractItemsF32, with<kIsa, contractF32>},
    {"contract.bf16", 2, kContractParamCount, true, checkContract,
     contractScratchBF16, contractItemsBF16, with<kIsa, contractBF16>},
    {"weight_gradient.f32", 3, kContractParamCount, false, checkContract,
     weightGradientScratchF32, weightGradientItemsF32,
     with<kIsa, weightGradientF32>},
    {"weight_gradient.bf16", 3, kContractParamCount, false, checkContract,
     weightGradientScratchBF16, weightGradientItemsBF16,
     with<kIsa, weightGradientBF16>},
    {"attention.f32", 4, kAttentionParamCount, false, checkAttention,
     attentionScratchF32, attentionItems, with<kIsa, attentionF32>},
    {"attention.bf16", 4, kAttentionParamCount, false, checkAttention,
     attentionScratchBF16, attentionItems, with<kIsa, attentionBF16>},
    {"attention_gradient.f32", 8, kAttentionParamCount, false, checkAttention,
     attentionGradientScratchF32, attentionGradientItems,
     with<kIsa, attentionGradientF32>},
    {"attention_gradient.bf16", 8, kAttentionParamCount, false, checkAttention,
     attentionGradientScratchBF16, attentionGradientItems,
     with<kIsa, attentionGradientBF16>},
    {"group_affine.f32", 5, kGroupParamCount, false, checkGroupAffine,
     groupAffineScratch, groupAffineItems, with<kIsa, groupAffineF32>},
    {"group_affine.bf16", 5, kGroupParamCount, false, checkGroupAffine,
     groupAffineScratch, groupAffineItems, with<kIsa, groupAffineBF16>},
    {"gather_rows", 3, kGatherParamCount, false, checkGatherRows, noScratch,
     gatherRowsItems, plain<gatherRows>},
    {"random_normal.f32", 2, kRandomParamCount, false, checkRandomNormal,
     noScratch, randomNormalItems, plain<randomNormal>},
}};

constexpr std::array<std::string_view, 3> kNames = {"generic", "avx2",
                                                    "avx512"};

// How many of kNames this processor has.
size_t supported() {
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
    return 1;
  for (const bool has :
       {__builtin_cpu_supports("avx512f"), __builtin_cpu_supports("avx512bw"),
        __builtin_cpu_supports("avx512dq"), __builtin_cpu_supports("avx512vl")})
    if (!has)
      return 2;
  return 3;
}

} // namespace

std::span<const std::string_view> cpuInstructionSets() {
  return std::span(kNames).first(supported());
}

std::span<const CpuKernel> cpuKernels(std::string_view instructionSet) {
  const std::array<std::span<const CpuKernel>, 3> tables = {
      kKernels<generic::kIsa>, kKernels<avx2::kIsa>, kKernels<avx512::kIsa>};
  for (size_t i = 0; i < supported(); ++i)
    if (kNames[i] == instructionSet)
      return tables[i];
  return {};
}

const CpuKernel* findCpuKernel(std::string_view name) {
  for (const CpuKernel& kernel : cpuKernels(cpuInstructionSets().back()))
    if (kernel.name == name)
      return &kernel;
  return nullptr;
}

} // namespace burin::kernels
