// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/attention/gradient.h"

#include <array>
#include <numbers>

#include "kernels/cpu/contracts.h"
#include "kernels/cuda/attention/plan.h"

namespace burin::kernels::cuda {
namespace {

constexpr int64_t kWarps = 4;
constexpr size_t kSlices = 7;
constexpr int64_t kStatisticsPadding = 128; // as in statistics.cuh

// As in gradient_simt.cuh.
struct GradientProblem {
  int32_t heads, tiles, queries, keys, width;
  float scale, scaleLog2;
};

const char* elementOf(DType dtype) {
  return dtype == DType::kF32    ? "F32Element"
         : dtype == DType::kBF16 ? "Bf16Element"
                                 : "F16Element";
}

// The two steps: what each reads, and what it writes in slices 4 and 5.
constexpr std::array<const char*, kSlices> kQueryStep = {
    "q", "k", "v", "y", "dy", "dq", "statistics"};
constexpr std::array<const char*, kSlices> kKeyStep = {
    "q", "k", "v", "dy", "dk", "dv", "statistics"};

int64_t paddedQueries(int64_t queries) {
  return (queries + kStatisticsPadding - 1) / kStatisticsPadding *
         kStatisticsPadding;
}

// Slices 4 and 5 are laid out as slice `like`.
Status check(std::span<const int64_t> params, std::span<const SliceInfo> slices,
             const std::array<const char*, kSlices>& names, size_t like,
             const Target& target) {
  if (slices.size() != kSlices)
    return invalidArgument("a step of attention's gradients takes " +
                           std::to_string(kSlices) + " slices, not " +
                           std::to_string(slices.size()));
  // Attention has the same preconditions, its output the layout of slice 3.
  const std::array<SliceInfo, 4> forward = {slices[0], slices[1], slices[2],
                                            slices[3]};
  BURIN_TRY(planAttention(params, forward, target, {.simt = true}).status());
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
  const int64_t bytes = attentionStatisticsBytes(params);
  const int64_t there = slices[6].rows * slices[6].extent *
                        static_cast<int64_t>(byteSize(slices[6].dtype));
  if (there < bytes)
    return invalidArgument("the statistics of attention's gradients have " +
                           std::to_string(there) + " bytes; they need " +
                           std::to_string(bytes));
  return okStatus();
}

// `function` gives a warp to each of `tokens`.
Result<LaunchPlan> planSimt(std::span<const int64_t> params, DType dtype,
                            const std::string& function,
                            const std::string& symbol, int64_t tokens) {
  const int64_t tiles = (tokens + kWarps - 1) / kWarps;
  const int64_t rows = params[kAttentionHeads] * params[kAttentionBatch];
  if (rows > INT32_MAX / tiles)
    return unimplemented("the gradients of attention of " +
                         std::to_string(rows) + " heads and " +
                         std::to_string(tokens) +
                         " tokens exceed a grid of 2^31 blocks; split it");
  const auto number = [&](AttentionParam i) {
    return static_cast<int32_t>(params[i]);
  };
  const double scale = bitsToDouble(params[kAttentionScale]);
  const bool causal = params[kAttentionCausal] != 0;
  const std::string slots = std::to_string((params[kAttentionWidth] + 31) / 32);
  LaunchPlan plan;
  plan.symbol = symbol + "_simt_" + std::string(name(dtype)) + "_" + slots +
                (causal ? "_causal" : "");
  plan.blocks[0] = static_cast<uint32_t>(tiles * rows);
  plan.threads = 32 * kWarps;
  plan.constants = bytesOf(
      GradientProblem{number(kAttentionHeads), static_cast<int32_t>(tiles),
                      number(kAttentionQueries), number(kAttentionKeys),
                      number(kAttentionWidth), static_cast<float>(scale),
                      static_cast<float>(scale * std::numbers::log2e)});
  plan.source = "#include \"attention/gradient_simt.cuh\"\n"
                "extern \"C\" __global__ void __launch_bounds__(" +
                std::to_string(plan.threads) + ")\n" + plan.symbol +
                "(const __grid_constant__ Views<7> views,\n"
                "    const __grid_constant__ GradientProblem problem) {\n  " +
                function + "<" + elementOf(dtype) + ", " + slots + ", " +
                std::to_string(kWarps) + (causal ? ", true" : ", false") +
                ">(views, problem);\n}\n";
  return plan;
}

} // namespace

int64_t attentionStatisticsBytes(std::span<const int64_t> params) {
  return params[kAttentionBatch] * params[kAttentionHeads] *
         paddedQueries(params[kAttentionQueries]) * 2 *
         static_cast<int64_t>(sizeof(float));
}

Result<LaunchPlan> planAttentionQueryGradient(std::span<const int64_t> params,
                                              std::span<const SliceInfo> slices,
                                              const Target& target) {
  BURIN_TRY(check(params, slices, kQueryStep, 0, target));
  return planSimt(params, slices[0].dtype, "queryGradient",
                  "attention_query_gradient",
                  paddedQueries(params[kAttentionQueries]));
}

Result<LaunchPlan> planAttentionKeyGradient(std::span<const int64_t> params,
                                            std::span<const SliceInfo> slices,
                                            const Target& target) {
  BURIN_TRY(check(params, slices, kKeyStep, 1, target));
  return planSimt(params, slices[0].dtype, "keyGradient",
                  "attention_key_gradient", params[kAttentionKeys]);
}

} // namespace burin::kernels::cuda
