// SPDX-License-Identifier: Apache-2.0
// Chooses the width of accesses and how many threads share a row.
#include "kernels/cuda/gather_rows/plan.h"

#include <algorithm>
#include <bit>

#include "kernels/cpu/contracts.h"

namespace burin::kernels::cuda {
namespace {

constexpr int64_t kThreads = 256;
constexpr int64_t kLargestAccess = 16;

// As gather_rows.cuh declares it.
struct GatherRows {
  int32_t rows, perGroup, count, words, elementBytes;
};

Status check(std::span<const int64_t> params,
             std::span<const SliceInfo> slices) {
  if (params.size() != kGatherParamCount || slices.size() != 3)
    return invalidArgument("gather_rows takes " +
                           std::to_string(kGatherParamCount) +
                           " parameters and 3 slices");
  for (const int64_t value : params)
    if (value < 1 || value > INT32_MAX)
      return invalidArgument("gather_rows has a parameter of " +
                             std::to_string(value) + ", needs 1 to 2^31 - 1");
  const int64_t indexBytes = params[kGatherIndexBytes];
  if (indexBytes != 4 && indexBytes != 8)
    return invalidArgument("gather_rows has indices of " +
                           std::to_string(indexBytes) +
                           " bytes, needs i32 or i64");
  const int64_t groups = params[kGatherGroups];
  if (params[kGatherRows] % groups != 0 || params[kGatherCount] % groups != 0)
    return invalidArgument(
        "gather_rows' table and indices do not divide into " +
        std::to_string(groups) + " groups");
  return okStatus();
}

} // namespace

Result<LaunchPlan> planGatherRows(std::span<const int64_t> params,
                                  std::span<const SliceInfo> slices,
                                  const Target&) {
  BURIN_TRY(check(params, slices));
  const int64_t bytes = params[kGatherElementBytes];
  const int64_t rowBytes = params[kGatherWidth] * bytes;
  const SliceInfo &table = slices[0], &out = slices[2];
  // The largest power of two that divides every address and the length.
  const int64_t bits = table.alignment | out.alignment | table.pitch * bytes |
                       out.pitch * bytes | rowBytes | kLargestAccess;
  const int64_t access = bits & -bits;
  const int64_t words = rowBytes / access;
  if (words > INT32_MAX)
    return unimplemented("gather_rows of rows of " + std::to_string(rowBytes) +
                         " bytes, a GPU kernel takes 2^31 - 1 accesses");
  const auto lanes = static_cast<int64_t>(
      std::bit_ceil(static_cast<uint64_t>(std::min(words, kThreads))));
  const int64_t groups = params[kGatherGroups];
  const GatherRows constants = {
      static_cast<int32_t>(params[kGatherRows] / groups),
      static_cast<int32_t>(params[kGatherCount] / groups),
      static_cast<int32_t>(params[kGatherCount]), static_cast<int32_t>(words),
      static_cast<int32_t>(bytes)};

  LaunchPlan plan;
  const std::string index = params[kGatherIndexBytes] == 8 ? "i64" : "int";
  plan.symbol = "gather_rows_" + std::to_string(access) + "_" +
                std::to_string(lanes) + "_" + index;
  plan.source = "#include \"gather_rows/gather_rows.cuh\"\n"
                "extern \"C\" __global__ void __launch_bounds__(" +
                std::to_string(kThreads) + ")\n" + plan.symbol +
                "(const __grid_constant__ Views<3> views,\n"
                "    const __grid_constant__ GatherRows g) {\n  gatherRows<" +
                std::to_string(access) + ", " + std::to_string(lanes) + ", " +
                index + ">(views.view, g);\n}\n";
  const int64_t rowsPerBlock = kThreads / lanes;
  plan.blocks[0] = static_cast<uint32_t>(
      (params[kGatherCount] + rowsPerBlock - 1) / rowsPerBlock);
  plan.threads = kThreads;
  plan.constants = bytesOf(constants);
  return plan;
}

} // namespace burin::kernels::cuda
