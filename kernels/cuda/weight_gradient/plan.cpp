// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/weight_gradient/plan.h"

#include <algorithm>

#include "kernels/cpu/contracts.h"
#include "kernels/cuda/weight_gradient/texts.h"
#include "kernels/cuda/weight_gradient/tiles.h"

namespace burin::kernels::cuda {
namespace {

constexpr size_t kSlices = 3;

// Without phases.
ContractGeometry unfolded(std::span<const int64_t> p, ContractGeometry g) {
  if (g.phases > 1) {
    g.phases = 1;
    g.height = p[kContractOutHeight];
    g.width = p[kContractOutWidth];
    g.kernelHeight = p[kContractKernelHeight];
    g.kernelWidth = p[kContractKernelWidth];
    g.upsample = p[kContractUpsample];
  }
  return g;
}

Status checkSlices(const ContractGeometry& g,
                   std::span<const SliceInfo> slices) {
  if (slices.size() != kSlices)
    return invalidArgument("weight gradient: " + std::to_string(slices.size()) +
                           " slices, must be {x, dy, dW}");
  const SliceInfo &x = slices[0], &dy = slices[1], &dw = slices[2];
  if (x.dtype != dy.dtype || dw.dtype != DType::kF32)
    return invalidArgument(
        "weight gradient: x is " + std::string(name(x.dtype)) + ", dy " +
        std::string(name(dy.dtype)) + " and dW " + std::string(name(dw.dtype)) +
        "; x and dy must be of one type and dW f32");
  if (x.pitch < g.channels || dy.pitch < g.outputs || dw.pitch < g.kernelWidth)
    return invalidArgument(
        "weight gradient: rows of x, dy and dW lie " + std::to_string(x.pitch) +
        ", " + std::to_string(dy.pitch) + " and " + std::to_string(dw.pitch) +
        " elements apart and are " + std::to_string(g.channels) + ", " +
        std::to_string(g.outputs) + " and " + std::to_string(g.kernelWidth) +
        " long");
  return okStatus();
}

// It steps over at most 8 elements; the sums are stored as rows that touch, by
// vectors.
bool servedBySm90(const ContractGeometry& g, std::span<const SliceInfo> slices,
                  const Target& target) {
  const DType dtype = slices[0].dtype;
  const bool half = dtype == DType::kBF16 || dtype == DType::kF16;
  const int64_t pitch = std::max(slices[0].pitch, slices[1].pitch) + 8;
  const int64_t pixels =
      std::max(g.inHeight * g.inWidth, g.phases * g.height * g.width);
  return target.capability == 90 && half && g.stride <= 8 && g.upsample == 1 &&
         pitch < (int64_t{1} << 39) / pixels &&
         slices[2].pitch == slices[2].extent && slices[2].alignment % 16 == 0;
}

} // namespace

std::vector<std::string> weightGradientTiles() {
  std::vector<std::string> names;
  for (const GradientTile& tile : gradientTileTable())
    names.push_back(tile.name());
  return names;
}

Result<WeightGradientPlan>
planWeightGradient(std::span<const int64_t> params,
                   std::span<const SliceInfo> slices, const Target& target,
                   const WeightGradientOptions& options) {
  BURIN_ASSIGN(const ContractGeometry folded, contractGeometry(params, false));
  const ContractGeometry g = unfolded(params, folded);
  BURIN_TRY(checkSlices(g, slices));
  if (servedBySm90(folded, slices, target))
    return planWeightGradientSm90(folded, slices, options);
  if (!options.tile.empty())
    return invalidArgument("weight gradient: tile '" + options.tile +
                           "' needs sm_90a and bf16 or f16");
  return planWeightGradientSimt(g, slices, options);
}

} // namespace burin::kernels::cuda
