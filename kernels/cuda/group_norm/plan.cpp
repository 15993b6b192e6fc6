// SPDX-License-Identifier: Apache-2.0
// The texts: a problem's constants, and a kernel that hands them on.
#include "kernels/cuda/group_norm/plan.h"

#include <algorithm>
#include <cstdio>

#include "kernels/cpu/contracts.h"
#include "kernels/cuda/group_norm/partition.h"

namespace burin::kernels::cuda {
namespace {

constexpr size_t kAffineSlices = 5, kMomentsSlices = 2, kNormOwnSlices = 3;

std::string deviceType(DType dtype) {
  switch (dtype) {
  case DType::kF16:
    return "F16";
  case DType::kBF16:
    return "Bf16";
  case DType::kF64:
    return "double";
  default:
    return "float";
  }
}

bool isFloat(DType dtype) {
  return dtype >= DType::kF16 && dtype <= DType::kF64;
}

Status checkAffineTypes(const GroupProblem& p,
                        std::span<const SliceInfo> slices) {
  for (const size_t s : {1, 2})
    if (!isFloat(slices[s].dtype) || slices[s].dtype != p.affine)
      return invalidArgument("GroupNorm's gamma and beta are " +
                             std::string(name(slices[s].dtype)) +
                             ", its parameters must name that floating type");
  return okStatus();
}

// Exact, and readable by a C++ compiler.
std::string hexadecimal(double value) {
  char text[40];
  std::snprintf(text, sizeof(text), "%a", value);
  return text;
}

struct Constant {
  const char* name;
  int64_t value;
};

// struct Problem, as moments.cuh wants it, and its part of the symbol.
struct ProblemText {
  std::string text;
  std::string symbol;

  ProblemText(const GroupProblem& p, const GroupPartition& part) {
    text = "struct Problem {\n  using X = " + deviceType(p.x) +
           ";\n  using Affine = " + deviceType(p.affine) + ";\n";
    symbol = std::string(name(p.x)) + "_" + std::string(name(p.affine));
    for (const auto& [name, value] : {
             Constant{"kPixels", p.pixels},
             Constant{"kChannels", p.channels},
             Constant{"kWidth", p.width},
             Constant{"kVector", part.vector},
             Constant{"kSpan", part.span},
             Constant{"kShares", part.shares},
             Constant{"kCluster", part.cluster},
             Constant{"kRows", part.rows},
             Constant{"kThreads", part.threads},
             Constant{"kBatch", part.batch},
             Constant{"kAlign", part.align},
         }) {
      text += std::string("  static constexpr int ") + name + " = " +
              std::to_string(value) + ";\n";
      symbol += "_" + std::to_string(value);
    }
    text += "  static constexpr double kEpsilon = " + hexadecimal(p.epsilon) +
            ";\n};\n";
    char bits[20];
    std::snprintf(bits, sizeof(bits), "_%llx",
                  static_cast<unsigned long long>(doubleBits(p.epsilon)));
    symbol += bits;
  }
};

// A plan but for its text.
LaunchPlan gridOf(const GroupProblem& p, const GroupPartition& part) {
  LaunchPlan plan;
  plan.blocks[0] = static_cast<uint32_t>(part.blocks(p));
  plan.threads = static_cast<uint32_t>(part.threads);
  plan.cluster = static_cast<uint32_t>(part.cluster);
  plan.sharedBytes = static_cast<uint32_t>(part.keptBytes);
  return plan;
}

std::string kernelText(const LaunchPlan& plan, const std::string& bounds,
                       size_t slices, const std::string& call) {
  return "extern \"C\" __global__ void __launch_bounds__(" + bounds + ")\n" +
         plan.symbol + "(const __grid_constant__ Views<" +
         std::to_string(slices) + "> views) {\n  " + call +
         "(views.view);\n}\n";
}

Status checkBlocks(const GroupProblem& p, const GroupPartition& part) {
  if (part.blocks(p) > INT32_MAX)
    return unimplemented("GroupNorm of a batch of " + std::to_string(p.batch) +
                         " needs more than 2^31 - 1 blocks");
  return okStatus();
}

} // namespace

Result<LaunchPlan> planGroupAffine(std::span<const int64_t> params,
                                   std::span<const SliceInfo> slices,
                                   const Target& target) {
  if (params.size() != kGroupParamCount || slices.size() != kAffineSlices)
    return invalidArgument(
        "group_affine takes " + std::to_string(kGroupParamCount) +
        " parameters and " + std::to_string(kAffineSlices) + " slices");
  BURIN_ASSIGN(const GroupProblem problem, groupProblem(params, slices[0]));
  BURIN_TRY(checkAffineTypes(problem, slices));
  BURIN_ASSIGN(const GroupPartition part, partitionAffine(problem, target));
  BURIN_TRY(checkBlocks(problem, part));
  const ProblemText text(problem, part);
  LaunchPlan plan = gridOf(problem, part);
  plan.symbol = "group_affine_" + text.symbol;
  plan.source = "#include \"group_norm/group_affine.cuh\"\n" + text.text +
                kernelText(plan, std::to_string(part.threads), kAffineSlices,
                           "groupAffine<Problem>");
  return plan;
}

namespace {

LaunchPlan keptPlan(const GroupProblem& problem, const GroupPartition& part,
                    size_t slices, const EpilogueText& epilogue) {
  const ProblemText text(problem, part);
  LaunchPlan plan = gridOf(problem, part);
  plan.symbol = "group_norm_" + text.symbol + "_" + epilogue.name;
  // Registers for two blocks where shared memory has room for them.
  const std::string bounds =
      std::to_string(part.threads) + (part.sharesMultiprocessor ? ", 2" : "");
  plan.source =
      "#include \"group_norm/group_norm.cuh\"\n" + text.text + epilogue.text +
      "\n" + kernelText(plan, bounds, slices, "groupNorm<Problem, Epilogue>");
  return plan;
}

GroupNormPlans streamedPlans(const GroupProblem& problem,
                             const GroupPartition& part, size_t slices,
                             const EpilogueText& epilogue) {
  const ProblemText text(problem, part);
  const std::string header = "#include \"group_norm/stream.cuh\"\n" + text.text;
  const std::string bounds = std::to_string(part.threads);
  LaunchPlan moments = gridOf(problem, part);
  moments.symbol = "group_moments_" + text.symbol;
  moments.source = header + kernelText(moments, bounds, kMomentsSlices,
                                       "groupMoments<Problem>");
  GroupNormPlans plans;
  plans.moments = std::move(moments);
  const int64_t real = problem.x == DType::kF32 ? 8 : 4;
  plans.momentsBytes = problem.batch * (problem.channels / problem.width) *
                       part.shares * 2 * real;
  plans.apply = gridOf(problem, part);
  plans.apply.cluster = 1;
  plans.apply.symbol = "group_apply_" + text.symbol + "_" + epilogue.name;
  plans.apply.source = header + epilogue.text + "\n" +
                       kernelText(plans.apply, bounds, slices + 1,
                                  "groupApply<Problem, Epilogue>");
  return plans;
}

} // namespace

Result<GroupNormPlans> planGroupNorm(std::span<const int64_t> params,
                                     std::span<const SliceInfo> slices,
                                     const EpilogueText& epilogue,
                                     const Target& target) {
  if (params.size() != kGroupParamCount ||
      slices.size() != kNormOwnSlices + epilogue.slices || epilogue.gated)
    return invalidArgument(
        "group_norm takes " + std::to_string(kGroupParamCount) +
        " parameters, " + std::to_string(kNormOwnSlices) +
        " slices before the epilogue's, and an epilogue without a gate");
  BURIN_ASSIGN(const GroupProblem problem, groupProblem(params, slices[0]));
  BURIN_TRY(checkAffineTypes(problem, slices));
  const auto kept = partitionNorm(problem, target);
  if (kept.ok()) {
    BURIN_TRY(checkBlocks(problem, *kept));
    GroupNormPlans plans;
    plans.apply = keptPlan(problem, *kept, slices.size(), epilogue);
    return plans;
  }
  if (kept.status().code() != Code::kUnimplemented)
    return kept.status();
  BURIN_ASSIGN(const GroupPartition part, partitionStream(problem, target));
  BURIN_TRY(checkBlocks(problem, part));
  return streamedPlans(problem, part, slices.size(), epilogue);
}

} // namespace burin::kernels::cuda
