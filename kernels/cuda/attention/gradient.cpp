// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/attention/gradient.h"

#include <array>

#include "kernels/cpu/contracts.h"
#include "kernels/cuda/attention/gradient_sm90.h"

namespace burin::kernels::cuda {
namespace {

using Step = AttentionGradientStep;

constexpr int64_t kMaxSimtWidth = 1024;
constexpr int64_t kSimtWarps = 4;
constexpr size_t kSlices = 7;
constexpr int64_t kStatisticsPadding = 384; // as in statistics.cuh

// As in gradient_simt.cuh.
struct SimtProblem {
  int32_t heads, tiles, queries, keys, width;
  float scale, scaleLog2;
};

// The two steps: what each reads, and what it writes in slices 4 and 5.
constexpr std::array<const char*, kSlices> kQueryStep = {
    "q", "k", "v", "y", "dy", "dq", "statistics"};
constexpr std::array<const char*, kSlices> kKeyStep = {
    "q", "k", "v", "dy", "dk", "dv", "statistics"};

int64_t paddedQueries(int64_t queries) {
  return (queries + kStatisticsPadding - 1) / kStatisticsPadding *
         kStatisticsPadding;
}

// Slices 4 and 5 are laid out as one of those before them.
Status checkWritten(const std::array<const char*, kSlices>& names,
                    std::span<const SliceInfo> slices, size_t like) {
  for (size_t i : {size_t{4}, size_t{5}})
    if (slices[i].dtype != slices[like].dtype ||
        slices[i].rows != slices[like].rows ||
        slices[i].extent != slices[like].extent ||
        slices[i].pitch < slices[i].extent)
      return invalidArgument(
          "in attention's gradients " + std::string(names[i]) + " is " +
          std::to_string(slices[i].rows) + " rows of " +
          std::to_string(slices[i].extent) + " " +
          std::string(name(slices[i].dtype)) + "; it needs the shape and " +
          "type of " + names[like] + ", " + std::to_string(slices[like].rows) +
          " rows of " + std::to_string(slices[like].extent) + " " +
          std::string(name(slices[like].dtype)));
  return okStatus();
}

Status check(Step step, std::span<const int64_t> params,
             std::span<const SliceInfo> slices) {
  if (slices.size() != kSlices)
    return invalidArgument("a step of attention's gradients takes " +
                           std::to_string(kSlices) + " slices, not " +
                           std::to_string(slices.size()));
  // Attention has the same preconditions, its output the layout of slice 3.
  BURIN_TRY(checkAttention(params, slices.first<4>()));
  BURIN_TRY(step == Step::kQueries ? checkWritten(kQueryStep, slices, 0)
                                   : checkWritten(kKeyStep, slices, 1));
  const int64_t bytes = attentionStatisticsBytes(params);
  const int64_t there = slices[6].rows * slices[6].extent *
                        static_cast<int64_t>(byteSize(slices[6].dtype));
  if (there < bytes)
    return invalidArgument("the statistics of attention's gradients have " +
                           std::to_string(there) + " bytes; they need " +
                           std::to_string(bytes));
  return okStatus();
}

// A warp for each token.
Result<LaunchPlan> planSimt(Step step, const AttentionShape& p, DType dtype) {
  if (p.width > kMaxSimtWidth)
    return unimplemented("attention's gradients with heads of " +
                         std::to_string(p.width) + " columns; at most " +
                         std::to_string(kMaxSimtWidth) +
                         " are served, split the heads");
  const char* element = dtype == DType::kF32    ? "F32Element"
                        : dtype == DType::kBF16 ? "Bf16Element"
                        : dtype == DType::kF16  ? "F16Element"
                                                : nullptr;
  if (!element)
    return unimplemented("attention's gradients of " +
                         std::string(name(dtype)) +
                         "; they take f32, bf16 or f16");
  const bool queries = step == Step::kQueries;
  const int64_t tokens = queries ? paddedQueries(p.queries) : p.keys;
  const int64_t tiles = (tokens + kSimtWarps - 1) / kSimtWarps;
  const auto number = [](int64_t value) { return static_cast<int32_t>(value); };
  const std::string slots = std::to_string((p.width + 31) / 32);
  LaunchPlan plan;
  plan.symbol = std::string("attention_") + (queries ? "query" : "key") +
                "_gradient_simt_" + std::string(name(dtype)) + "_" + slots +
                (p.causal ? "_causal" : "");
  BURIN_ASSIGN(plan.blocks[0], attentionGrid(p, tiles));
  plan.threads = 32 * kSimtWarps;
  plan.constants = bytesOf(SimtProblem{
      number(p.heads), number(tiles), number(p.queries), number(p.keys),
      number(p.width), static_cast<float>(p.scale), p.scaleLog2});
  plan.source = "#include \"attention/gradient_simt.cuh\"\n"
                "extern \"C\" __global__ void __launch_bounds__(" +
                std::to_string(plan.threads) + ")\n" + plan.symbol +
                "(const __grid_constant__ Views<7> views,\n"
                "    const __grid_constant__ GradientProblem problem) {\n  " +
                (queries ? "query" : "key") + "Gradient<" + element + ", " +
                slots + ", " + std::to_string(kSimtWarps) +
                (p.causal ? ", true" : ", false") + ">(views, problem);\n}\n";
  return plan;
}

} // namespace

int64_t attentionStatisticsBytes(std::span<const int64_t> params) {
  return params[kAttentionBatch] * params[kAttentionHeads] *
         paddedQueries(params[kAttentionQueries]) * 2 *
         static_cast<int64_t>(sizeof(float));
}

Result<LaunchPlan> planAttentionGradient(AttentionGradientStep step,
                                         std::span<const int64_t> params,
                                         std::span<const SliceInfo> slices,
                                         const Target& target) {
  BURIN_TRY(check(step, params, slices));
  const AttentionShape p(params);
  return servesGradientSm90(step, p, slices, target)
             ? planGradientSm90(step, p, slices,
                                *attentionGradientConfig(step, p.width))
             : planSimt(step, p, slices[0].dtype);
}

} // namespace burin::kernels::cuda
