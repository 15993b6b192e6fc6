// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "kernels/cuda/weight_gradient/texts.h"
#include "kernels/cuda/weight_gradient/tiling.cuh"

namespace burin::kernels::cuda {
namespace {

constexpr int64_t kMaxBlocksYZ = 65535;

int64_t divideUp(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

int number(int64_t value) {
  return static_cast<int>(value);
}
uint32_t extent(int64_t value) {
  return static_cast<uint32_t>(value);
}

// Parts that give every multiprocessor two blocks, where they have pixels
// enough to be worth their sums.
int64_t simtParts(const ContractGeometry& g, int64_t tiles) {
  constexpr int64_t kFewPixels = 256, kMostPartBytes = int64_t{1} << 27;
  const int64_t pixels = g.batch * g.height * g.width;
  const int64_t bytes = g.outputs * g.channels * g.taps() * 4;
  return std::clamp<int64_t>(
      std::min({2 * kMultiprocessors / tiles, pixels / kFewPixels,
                kMostPartBytes / bytes}),
      1, kMaxBlocksYZ);
}

std::string simtText(const LaunchPlan& plan, const std::string& slices,
                     const std::string& threads, const std::string& call) {
  return "#include \"weight_gradient/weight_gradient_simt.cuh\"\n"
         "extern \"C\" __global__ void __launch_bounds__(" +
         threads + ")\n" + plan.symbol + "(const __grid_constant__ Views<" +
         slices +
         "> views,\n    const __grid_constant__ SimtGradientShape shape) {\n"
         "  " +
         call + "(views.view, shape);\n}\n";
}

} // namespace

Result<WeightGradientPlan>
planWeightGradientSimt(const ContractGeometry& g,
                       std::span<const SliceInfo> slices,
                       const WeightGradientOptions& options) {
  BURIN_ASSIGN(const std::string element,
               elementText(slices[0].dtype, "x and dy"));
  const int64_t columns = divideUp(g.taps() * g.channels, kSimtGradientTile);
  const int64_t rows = divideUp(g.outputs, kSimtGradientTile);
  const int64_t weights = g.outputs * g.channels * g.taps();
  if (rows > kMaxBlocksYZ || weights > INT32_MAX ||
      g.batch * g.inHeight * g.inWidth > INT32_MAX)
    return unimplemented("weight gradient: " + std::to_string(weights) +
                         " weights; split the layer");
  const int64_t parts = options.parts.value_or(simtParts(g, rows * columns));
  if (parts < 1 || parts > std::min(kMaxBlocksYZ, g.batch * g.height * g.width))
    return invalidArgument(
        "weight gradient: " + std::to_string(parts) + " parts of " +
        std::to_string(g.batch * g.height * g.width) + " pixels");
  const SimtGradientShape shape{.outputs = number(g.outputs),
                                .channels = number(g.channels),
                                .taps = number(g.taps()),
                                .kernelHeight = number(g.kernelHeight),
                                .kernelWidth = number(g.kernelWidth),
                                .stride = number(g.stride),
                                .padTop = number(g.padTop),
                                .padLeft = number(g.padLeft),
                                .upsample = number(g.upsample),
                                .height = number(g.height),
                                .width = number(g.width),
                                .inHeight = number(g.inHeight),
                                .inWidth = number(g.inWidth),
                                .pixels = number(g.batch * g.height * g.width),
                                .parts = number(parts)};
  LaunchPlan products;
  products.symbol = "weight_gradient_simt_" +
                    std::string(name(slices[0].dtype)) +
                    (parts > 1 ? "" : "_whole");
  products.source = simtText(products, "3", "kSimtGradientThreads",
                             "weightGradientSimt<" + element +
                                 (parts > 1 ? ", false>" : ", true>"));
  products.blocks = {extent(columns), extent(rows), extent(parts)};
  products.threads = kSimtGradientThreads;
  products.constants = bytesOf(shape);
  WeightGradientPlan plan;
  plan.steps.push_back(
      {std::move(products), {0, 1, parts > 1 ? kWeightGradientBuffers : 2}});
  if (parts > 1) {
    LaunchPlan sum;
    sum.symbol = "sum_gradient";
    sum.source = simtText(sum, "2", "kGradientSumThreads", "sumGradient");
    sum.blocks[0] = extent(divideUp(weights, kGradientSumThreads));
    sum.threads = kGradientSumThreads;
    sum.constants = bytesOf(shape);
    plan.bufferBytes.push_back(parts * weights * 4);
    plan.steps.push_back({std::move(sum), {kWeightGradientBuffers, 2}});
  }
  return plan;
}

} // namespace burin::kernels::cuda
