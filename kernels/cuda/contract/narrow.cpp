// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/contract/narrow.h"

#include <algorithm>
#include <array>

namespace burin::kernels::cuda {
namespace {

constexpr int64_t kMostChannels = 8, kMostOutputs = 8, kMostProducts = 80;
// Of few_channels.cuh: rows are told from the one past every picture.
constexpr int64_t kMostRows = 16384;
// Blocks of few_channels.cuh for each multiprocessor: more of them read the
// weights again without keeping memory busier.
constexpr int64_t kResident = 2;
// Of 32 channels: 16 bytes each of two pixels are a quarter of a thread's
// registers with five.
constexpr int64_t kMostBatch = 5;
// Of few_outputs.cuh, that two blocks fit a Hopper multiprocessor and one the
// smallest of Ampere's.
constexpr int64_t kMostShared = 99 * 1024;

int64_t divideUp(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

bool isHalf(DType dtype) {
  return dtype == DType::kBF16 || dtype == DType::kF16;
}

struct Constant {
  const char* name;
  int64_t value;
};

// struct Problem, as the texts want it.
struct ProblemText {
  std::string text, symbol;

  ProblemText(DType dtype, std::initializer_list<Constant> constants)
      : text("struct Problem {\n  using Product = Product" +
             std::string(dtype == DType::kBF16 ? "Bf16" : "F16") + ";\n"),
        symbol(name(dtype)) {
    for (const Constant& constant : constants) {
      const std::string value = std::to_string(constant.value);
      text.append("  static constexpr int ").append(constant.name);
      text.append(" = ").append(value).append(";\n");
      symbol.append("_").append(value);
    }
    text += "};\n";
  }
};

LaunchPlan planOf(const std::string& kernel, const ProblemText& problem,
                  const EpilogueText& epilogue, int64_t threads,
                  const std::string& body) {
  LaunchPlan plan;
  plan.symbol =
      "contract_" + kernel + "_" + problem.symbol + "_" + epilogue.name;
  plan.source =
      "#include \"contract/" + kernel + ".cuh\"\n" + epilogue.text + "\n" +
      problem.text + "extern \"C\" __global__ void __launch_bounds__(" +
      std::to_string(threads) + ")\n" + plan.symbol +
      "(const __grid_constant__ Views<" + std::to_string(2 + epilogue.slices) +
      "> views,\n    const __grid_constant__ SimtShape shape) {\n" + body +
      "}\n";
  plan.threads = static_cast<uint32_t>(threads);
  return plan;
}

struct PixelTile {
  int64_t height, width;
};
constexpr PixelTile kTiles[] = {{16, 16}, {8, 16}, {8, 8}, {4, 8}};

// Weights and parts of a tile (few_outputs.cuh).
int64_t sharedBytes(const ContractGeometry& g, const PixelTile& tile) {
  const int64_t parts = g.taps() * g.outputs;
  const int64_t pixels =
      (tile.height + g.kernelHeight - 1) * (tile.width + g.kernelWidth - 1);
  return g.channels / 32 * divideUp(parts, 8) * 512 + pixels * (parts | 1) * 4;
}

// The largest that leaves a block for each multiprocessor: neighbours of small
// tiles are read again.
PixelTile chooseTile(const ContractGeometry& g) {
  for (const PixelTile& tile : kTiles)
    if (sharedBytes(g, tile) <= kMostShared &&
        g.batch * divideUp(g.height, tile.height) *
                divideUp(g.width, tile.width) >=
            kMultiprocessors)
      return tile;
  return kTiles[std::size(kTiles) - 1];
}

} // namespace

std::optional<LaunchPlan> planFewChannels(const ContractGeometry& g,
                                          const SliceInfo& input,
                                          const EpilogueText& epilogue) {
  const int64_t depth = g.taps() * g.channels;
  if (!isHalf(input.dtype) || g.phases != 1 || g.upsample != 1 ||
      g.gates != 1 || g.channels > kMostChannels || depth > kMostProducts ||
      g.inHeight > kMostRows ||
      g.kernelHeight * g.inWidth > INT32_MAX / input.pitch)
    return std::nullopt;
  const bool pairs =
      g.channels % 2 == 0 && input.pitch % 2 == 0 && input.alignment % 4 == 0;
  // Sums, and weights of 32 products, leave registers for 128 outputs, with
  // which pixels are gathered once; of more products 32 take less time.
  const int64_t groups = depth <= 32 && g.outputs >= 4 * kRowGroup ? 4 : 1;
  const ProblemText problem(input.dtype, {{"kChannels", g.channels},
                                          {"kTaps", g.taps()},
                                          {"kKernelWidth", g.kernelWidth},
                                          {"kStride", g.stride},
                                          {"kPadTop", g.padTop},
                                          {"kPadLeft", g.padLeft},
                                          {"kWide", pairs ? 2 : 1},
                                          {"kGroups", groups}});
  LaunchPlan plan =
      planOf("few_channels", problem, epilogue, kFewChannelsThreads,
             "  contractFewChannels<Problem, Epilogue>(views.view, shape);\n");
  const int64_t pieces = divideUp(g.outputs, kRowGroup * groups);
  const int64_t items =
      divideUp(g.batch * g.height * g.width, kFewChannelsThreads / 32 * 16);
  const int64_t most =
      std::max<int64_t>(1, kMultiprocessors * kResident / pieces);
  const int64_t shares = divideUp(items, divideUp(items, most));
  SimtShape shape = simtShape(g, PixelBox{1, 1, 1}, g.outputs);
  shape.shape.tilesC = static_cast<int>(pieces);
  shape.shape.tilesW = static_cast<int>(shares);
  plan.blocks[0] = static_cast<uint32_t>(pieces * shares);
  plan.constants = bytesOf(shape);
  return plan;
}

std::optional<LaunchPlan> planFewOutputs(const ContractGeometry& g,
                                         const SliceInfo& input,
                                         const EpilogueText& epilogue) {
  const PixelTile tile = chooseTile(g);
  const int64_t bytes = sharedBytes(g, tile);
  const int64_t blocks =
      g.batch * divideUp(g.height, tile.height) * divideUp(g.width, tile.width);
  if (!isHalf(input.dtype) || g.phases != 1 || g.upsample != 1 ||
      g.gates != 1 || g.stride != 1 || g.taps() < 2 ||
      g.outputs > kMostOutputs || g.taps() * g.outputs > kMostProducts ||
      g.channels % 32 != 0 || input.pitch * 2 % 16 != 0 ||
      input.alignment % 16 != 0 || bytes > kMostShared || blocks > INT32_MAX)
    return std::nullopt;
  const int64_t groups = g.channels / 32;
  const ProblemText problem(
      input.dtype,
      {{"kChannels", g.channels},
       {"kOutputs", g.outputs},
       {"kKernelHeight", g.kernelHeight},
       {"kKernelWidth", g.kernelWidth},
       {"kPadTop", g.padTop},
       {"kPadLeft", g.padLeft},
       {"kTileHeight", tile.height},
       {"kTileWidth", tile.width},
       {"kBatch", divideUp(groups, divideUp(groups, kMostBatch))}});
  LaunchPlan plan =
      planOf("few_outputs", problem, epilogue, kFewOutputsThreads,
             "  extern __shared__ __align__(16) unsigned char shared[];\n"
             "  contractFewOutputs<Problem, Epilogue>(views.view, shape, "
             "shared);\n");
  plan.blocks[0] = static_cast<uint32_t>(blocks);
  plan.sharedBytes = static_cast<uint32_t>(bytes);
  plan.constants =
      bytesOf(simtShape(g, PixelBox{1, tile.height, tile.width}, g.outputs));
  return plan;
}

} // namespace burin::kernels::cuda
