// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "kernels/cuda/attention/products.h"
#include "kernels/cuda/weight_gradient/texts.h"
#include "kernels/cuda/weight_gradient/tiles.h"
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

// The copy engine wants rows at multiples of 16 bytes and strides below 2^40.
bool copiesRows(const SliceInfo& slice) {
  return slice.pitch * 2 % 16 == 0 && slice.alignment % 16 == 0;
}

GradientShape shapeOf(const ContractGeometry& g, const PixelBox& box,
                      const GradientProblem& problem,
                      const GradientChoice& choice) {
  const GradientTile& tile = *choice.tile;
  const int64_t outputs = problem.outputTiles(tile);
  const int64_t inputs = problem.inputTiles(tile);
  return {.outputs = number(g.outputs),
          .channels = number(g.channels),
          .taps = number(g.taps()),
          .kernelWidth = number(g.kernelWidth),
          .phases = number(g.phases),
          .stride = number(g.stride),
          .padTop = number(g.padTop),
          .padLeft = number(g.padLeft),
          .boxN = number(box.n),
          .boxH = number(box.h),
          .boxW = number(box.w),
          .boxesH = number(divideUp(g.height, box.h)),
          .boxesW = number(divideUp(g.width, box.w)),
          .steps = number(problem.steps),
          .rowTiles = number(tile.inputRows ? inputs : outputs),
          .columnTiles = number(tile.inputRows ? outputs : inputs),
          .ranges = number(choice.ranges(problem)),
          .parts = number(choice.parts),
          .inputUnit = 1,
          .cotangentUnit = 1};
}

// What the products read of x or dy: [batch, height, width, channels], of
// which a step takes pixels `apart`.
struct Activation {
  uint32_t slice; // of the step
  SliceInfo info; // a copy is u8
  int64_t channels, batch, height, width, apart;

  int unit() const { return info.dtype == DType::kU8 ? 2 : 1; }
};

// As (channel, w, h, n). With steps the box counts what it spans.
MapPlan activationMap(const Activation& a, const PixelBox& box) {
  const uint64_t row = a.info.pitch * byteSize(a.info.dtype);
  MapPlan map;
  map.slice = a.slice;
  map.extents = {static_cast<uint64_t>(a.channels * a.unit()),
                 static_cast<uint64_t>(a.width),
                 static_cast<uint64_t>(a.height),
                 static_cast<uint64_t>(a.batch)};
  map.strides = {row, row * a.width, row * a.width * a.height};
  map.box = {extent(int64_t{kPiece} * a.unit()), extent(box.w * a.apart),
             extent(box.h * a.apart), extent(box.n)};
  if (a.apart > 1)
    map.steps = {1, extent(a.apart), extent(a.apart), 1};
  return map;
}

// A step that copies rows to a new buffer where the copy engine can read them;
// returns the buffer's slice.
uint32_t widen(WeightGradientPlan& plan, uint32_t slice, SliceInfo& info) {
  const int64_t vectors = divideUp(info.extent, 8);
  const WidenShape shape{number(info.rows), number(info.extent),
                         number(vectors)};
  LaunchPlan launch;
  launch.symbol = "widen_rows";
  launch.source = "#include \"weight_gradient/widen.cuh\"\n"
                  "extern \"C\" __global__ void "
                  "__launch_bounds__(kWidenThreads)\n"
                  "widen_rows(const __grid_constant__ Views<2> views,\n"
                  "    const __grid_constant__ WidenShape shape) {\n"
                  "  widenRows(views.view, shape);\n}\n";
  launch.blocks[0] = extent(divideUp(info.rows * vectors, kWidenThreads));
  launch.threads = kWidenThreads;
  launch.constants = bytesOf(shape);
  const auto copy =
      static_cast<uint32_t>(kWeightGradientBuffers + plan.bufferBytes.size());
  plan.bufferBytes.push_back(info.rows * vectors * 16);
  plan.steps.push_back({std::move(launch), {slice, copy}});
  info = {DType::kU8, info.rows, vectors * 16, vectors * 16, 256};
  return copy;
}

std::string tileText(const GradientTile& t) {
  std::string text = "using T = GradientTile<";
  for (int value : {t.consumers, t.rowBlocks, t.columns})
    text += std::to_string(value) + ", ";
  return text + (t.inputRows ? "true, " : "false, ") +
         std::to_string(t.stages()) + ">;\n";
}

LaunchPlan productsSm90(DType dtype, const Activation& x, const Activation& dy,
                        const PixelBox& box, const GradientShape& shape,
                        const GradientTile& tile, bool joins) {
  LaunchPlan plan;
  plan.symbol = "weight_gradient_" + tile.name() + "_" +
                std::string(name(dtype)) + (joins ? "" : "_whole");
  plan.source =
      "#include \"weight_gradient/weight_gradient_sm90.cuh\"\n" +
      alongProduct(tile.columns, dtype == DType::kF16) + tileText(tile) +
      "extern \"C\" __global__ void __launch_bounds__(T::kThreads, 1)\n" +
      plan.symbol +
      "(const __grid_constant__ Views<3> views,\n"
      "    const __grid_constant__ TensorMap dy, const __grid_constant__ "
      "TensorMap x,\n    const __grid_constant__ GradientShape shape) {\n"
      "  weightGradient<T, " +
      (joins ? "false" : "true") + ">(views.view, dy, x, shape);\n}\n";
  plan.blocks[0] = extent(std::min<int64_t>(shape.ranges, kMultiprocessors));
  plan.threads = extent(tile.threads());
  plan.sharedBytes = extent(tile.sharedBytes());
  plan.maps = {activationMap(dy, box), activationMap(x, box)};
  plan.constants = bytesOf(shape);
  return plan;
}

LaunchPlan joinSm90(const GradientShape& shape, const GradientTile& tile) {
  const int phases = shape.phases, taps = phases == 1 ? shape.taps : 9;
  LaunchPlan plan;
  plan.symbol = "join_gradient_" + tile.name() + "_" + std::to_string(taps) +
                (phases == 1 ? "" : "_phases");
  plan.source = "#include \"weight_gradient/join.cuh\"\n"
                "struct T {\n  static constexpr GradientTiling kTiling = {" +
                std::to_string(tile.blocks()) + ", " +
                std::to_string(tile.columns) +
                (tile.inputRows ? ", true" : ", false") +
                "};\n};\n"
                "extern \"C\" __global__ void __launch_bounds__(128)\n" +
                plan.symbol +
                "(const __grid_constant__ Views<2> views,\n"
                "    const __grid_constant__ GradientShape shape) {\n"
                "  joinGradient<T, " +
                std::to_string(taps) + ", " + std::to_string(phases) +
                ">(views.view, shape);\n}\n";
  const int64_t rows = tile.inputRows ? shape.channels : shape.outputs;
  const int64_t columns = tile.inputRows ? shape.outputs : shape.channels;
  plan.blocks = {extent(divideUp(columns, kOctet)), extent(divideUp(rows, 64)),
                 1};
  plan.threads = 128;
  plan.sharedBytes = extent(int64_t{64} * kOctet * taps * 4);
  plan.constants = bytesOf(shape);
  return plan;
}

GradientProblem problemOf(const ContractGeometry& g, const PixelBox& box) {
  const int64_t rows = g.phases * g.batch * g.height * g.width;
  const int64_t inputRows = g.batch * g.inHeight * g.inWidth;
  return {.outputs = g.outputs,
          .channels = g.channels,
          .taps = g.phases * g.taps(),
          .phases = g.phases,
          .steps = divideUp(g.batch, box.n) * divideUp(g.height, box.h) *
                   divideUp(g.width, box.w),
          .bytes = 2.0 * static_cast<double>(rows * g.outputs +
                                             inputRows * g.channels)};
}

Result<GradientChoice> choiceOf(const GradientProblem& problem,
                                const WeightGradientOptions& options) {
  const GradientTile* tile = nullptr;
  if (!options.tile.empty()) {
    tile = findGradientTile(options.tile);
    if (!tile)
      return invalidArgument("weight gradient: unknown tile '" + options.tile +
                             "'; weightGradientTiles() lists them");
  }
  const GradientChoice choice =
      chooseGradientTile(problem, tile, options.parts);
  if (!choice.tile)
    return invalidArgument("weight gradient: tile '" + options.tile + "' in " +
                           std::to_string(options.parts.value_or(1)) +
                           " parts cannot take " +
                           std::to_string(problem.steps) + " steps of " +
                           std::to_string(problem.phases) + " phases");
  if (choice.ranges(problem) > INT32_MAX ||
      divideUp(std::max(problem.outputs, problem.channels), 64) > kMaxBlocksYZ)
    return unimplemented("weight gradient: " + std::to_string(problem.outputs) +
                         " output channels; split the layer");
  return choice;
}

} // namespace

Result<WeightGradientPlan>
planWeightGradientSm90(const ContractGeometry& g,
                       std::span<const SliceInfo> slices,
                       const WeightGradientOptions& options) {
  const PixelBox box = pixelBox(g, kStepPixels);
  const GradientProblem problem = problemOf(g, box);
  BURIN_ASSIGN(const GradientChoice choice, choiceOf(problem, options));
  const int64_t scale = g.phases == 1 ? 1 : 2;
  Activation x{0,          slices[0], g.channels, g.batch,
               g.inHeight, g.inWidth, g.stride};
  Activation dy{1,       slices[1],        g.outputs,
                g.batch, scale * g.height, scale * g.width,
                scale};
  WeightGradientPlan plan;
  std::vector<uint32_t> read{0, 1};
  for (Activation* each : {&x, &dy})
    if (!copiesRows(each->info))
      read[each->slice] = widen(plan, each->slice, each->info);
  GradientShape shape = shapeOf(g, box, problem, choice);
  shape.inputUnit = x.unit();
  shape.cotangentUnit = dy.unit();
  const bool joins = choice.joins(problem);
  const auto parts =
      static_cast<uint32_t>(kWeightGradientBuffers + plan.bufferBytes.size());
  plan.steps.push_back(
      {productsSm90(slices[0].dtype, x, dy, box, shape, *choice.tile, joins),
       {read[0], read[1], joins ? parts : 2}});
  if (joins) {
    plan.bufferBytes.push_back(choice.joinBytes(problem));
    plan.steps.push_back({joinSm90(shape, *choice.tile), {parts, 2}});
  }
  return plan;
}

} // namespace burin::kernels::cuda
