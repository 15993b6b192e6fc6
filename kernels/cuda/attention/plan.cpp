// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/attention/plan.h"

#include <algorithm>

#include "kernels/cuda/attention/products.h"
#include "kernels/cuda/attention/shape.h"

namespace burin::kernels::cuda {
namespace {

constexpr int64_t kMaxSimtWidth = 1024;
constexpr int64_t kSimtWarps = 4;
constexpr std::array<const char*, 4> kSliceNames = {"q", "k", "v", "out"};

// As in the two headers.
struct Problem {
  int32_t heads, tiles, queries, keys, images;
  float scaleLog2;
};
struct SimtProblem {
  int32_t heads, tiles, queries, keys, width;
  float scaleLog2;
};

// Why attention_sm90.cuh cannot serve, or nothing.
std::string refusal(const AttentionShape& p,
                    std::span<const SliceInfo, 4> slices,
                    const Target& target) {
  if (attentionConfigs(p.width).empty())
    return "heads of " + std::to_string(p.width) +
           " columns are no multiple of 8 up to 256, nor 384 or 512";
  std::string reason = hopperRefusal(p, slices[0].dtype, target);
  for (size_t i = 0; i < slices.size() && reason.empty(); ++i)
    reason = mapRefusal(slices[i], p.tokens(i), kSliceNames[i]);
  return reason;
}

// The columns of a head in boxes of 64 and a last one of the rest: maps of q,
// k, v and out for the former, then for the latter, if they exist.
std::vector<MapPlan> mapsOf(std::span<const SliceInfo, 4> slices,
                            const AttentionShape& p, const AttentionConfig& c) {
  std::vector<MapPlan> maps;
  for (int64_t columns :
       {p.width < 64 ? int64_t{0} : int64_t{64}, p.width % 64})
    for (uint32_t i = 0; columns > 0 && i < 4; ++i)
      maps.push_back(attentionMap(i, slices[i], p, p.tokens(i), columns,
                                  i == 1 || i == 2 ? c.keys : 64));
  return maps;
}

// Blocks of threads for a head. Where keys stay, no more than are on the card
// at once, and as many tiles of queries for each as for the others.
int64_t tilesOfHead(const AttentionShape& p, const AttentionConfig& c) {
  const int64_t tiles = (p.queries + 64 * c.groups - 1) / (64 * c.groups);
  if (!isResident(c))
    return tiles;
  const int64_t fit =
      std::max<int64_t>(1, kMultiprocessors * c.blocks / (p.batch * p.heads));
  const int64_t rounds = (tiles + fit - 1) / fit;
  return (tiles + rounds - 1) / rounds;
}

int threadsOf(const AttentionConfig& c) {
  return c.groups * 128 + (c.blocks > 1 ? 32 : 128);
}

// ptxas counts a lone producer warp as a warpgroup under __launch_bounds__(
// threads, blocks), so the cap is spelled out there. Registers are dealt out
// to whole warps, the same number of them on each of four schedulers.
std::string boundsOf(const AttentionConfig& c) {
  const int threads = threadsOf(c);
  if (c.blocks == 1)
    return "__launch_bounds__(" + std::to_string(threads) + ", 1)";
  const int warps = (threads * c.blocks + 127) / 128 * 4;
  return "__maxnreg__(" + std::to_string(65536 / warps / 256 * 8) + ")";
}

int64_t sharedBytesOf(const AttentionConfig& c, int64_t width, int64_t slices) {
  const int64_t pieces = (width + 63) / 64;
  const int64_t valuePieces = (width / slices + 63) / 64;
  const int64_t places = c.groups * (isResident(c) ? 2 : 1); // of queries
  const int64_t barriers = 2 * places + 4 * c.stages;
  return 1024 + places * pieces * 64 * 128 +
         c.stages * (pieces + valuePieces) * c.keys * 128 + 8 * barriers;
}

std::string flag(bool value) {
  return value ? "true" : "false";
}

// The maps' parameters and how they pair up.
std::string mapParameters(size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i)
    text +=
        "    const __grid_constant__ TensorMap map" + std::to_string(i) + ",\n";
  return text;
}
std::string mapPairs(size_t count) {
  std::string text;
  for (size_t i = 0; i < 4; ++i)
    text += "{map" + std::to_string(i) + ", map" +
            std::to_string(i + count - 4) + "}, ";
  return text;
}

std::string sm90Source(const LaunchPlan& plan, const AttentionShape& p,
                       const AttentionConfig& c, int64_t slices, bool half) {
  std::string text = "#include \"attention/attention_sm90.cuh\"\n";
  text += scoreProduct(c.keys, half);
  text += outputProduct(
      static_cast<int>(p.width / slices + (p.width % 64 > 0 ? 8 : 0)), half);
  text += "using Shape = Tile<" + std::to_string(p.width) + ", " +
          std::to_string(c.keys) + ", " + std::to_string(c.groups) + ", " +
          std::to_string(c.stages) + ", " + std::to_string(c.blocks) + ", " +
          flag(c.turns) + ", " + std::to_string(slices) + ", " +
          flag(p.causal) + ", " + flag(half) + ">;\n";
  text += "static_assert(Shape::kSharedBytes == " +
          std::to_string(plan.sharedBytes) +
          " && Shape::kThreads == " + std::to_string(plan.threads) +
          ", \"as planned\");\n";
  text += "extern \"C\" __global__ void " + boundsOf(c) + "\n" + plan.symbol +
          "(const __grid_constant__ Views<4> views,\n" +
          mapParameters(plan.maps.size()) +
          "    const __grid_constant__ Problem problem) {\n"
          "  attention<Shape>(" +
          mapPairs(plan.maps.size()) + "problem);\n}\n";
  return text;
}

Result<LaunchPlan> planSm90(const AttentionShape& p,
                            std::span<const SliceInfo, 4> slices,
                            const AttentionConfig& c) {
  const bool half = slices[0].dtype == DType::kF16;
  const int64_t columnSlices = p.width > 256 ? 2 : 1;
  const int64_t tiles = tilesOfHead(p, c);
  LaunchPlan plan;
  plan.symbol = "attention_" + std::string(name(slices[0].dtype)) + "_d" +
                std::to_string(p.width) + "_" + attentionConfigName(c) +
                (p.causal ? "_causal" : "");
  BURIN_ASSIGN(plan.blocks[0], attentionGrid(p, tiles * columnSlices));
  plan.threads = static_cast<uint32_t>(threadsOf(c));
  plan.sharedBytes =
      static_cast<uint32_t>(sharedBytesOf(c, p.width, columnSlices));
  plan.maps = mapsOf(slices, p, c);
  plan.constants = bytesOf(
      Problem{static_cast<int32_t>(p.heads), static_cast<int32_t>(tiles),
              static_cast<int32_t>(p.queries), static_cast<int32_t>(p.keys),
              static_cast<int32_t>(p.batch), p.scaleLog2});
  plan.source = sm90Source(plan, p, c, columnSlices, half);
  return plan;
}

Result<LaunchPlan> planSimt(const AttentionShape& p, DType dtype) {
  if (p.width > kMaxSimtWidth)
    return unimplemented("attention with heads of " + std::to_string(p.width) +
                         " columns; at most " + std::to_string(kMaxSimtWidth) +
                         " are served, split the heads");
  const char* element = dtype == DType::kF32    ? "F32Element"
                        : dtype == DType::kBF16 ? "Bf16Element"
                        : dtype == DType::kF16  ? "F16Element"
                                                : nullptr;
  if (!element)
    return unimplemented("attention of " + std::string(name(dtype)) +
                         "; it takes f32, bf16 or f16");
  const int64_t tiles = (p.queries + kSimtWarps - 1) / kSimtWarps;
  const std::string slots = std::to_string((p.width + 31) / 32);
  LaunchPlan plan;
  plan.symbol = "attention_simt_" + std::string(name(dtype)) + "_" + slots +
                (p.causal ? "_causal" : "");
  BURIN_ASSIGN(plan.blocks[0], attentionGrid(p, tiles));
  plan.threads = 32 * kSimtWarps;
  plan.constants = bytesOf(
      SimtProblem{static_cast<int32_t>(p.heads), static_cast<int32_t>(tiles),
                  static_cast<int32_t>(p.queries), static_cast<int32_t>(p.keys),
                  static_cast<int32_t>(p.width), p.scaleLog2});
  plan.source = "#include \"attention/attention_simt.cuh\"\n"
                "extern \"C\" __global__ void __launch_bounds__(" +
                std::to_string(plan.threads) + ")\n" + plan.symbol +
                "(const __grid_constant__ Views<4> views,\n"
                "    const __grid_constant__ Problem problem) {\n"
                "  attention<" +
                element + ", " + slots + ", " + std::to_string(kSimtWarps) +
                ", " + flag(p.causal) + ">(views, problem);\n}\n";
  return plan;
}

bool exists(int64_t width, const AttentionConfig& config) {
  const std::vector<AttentionConfig> all = attentionConfigs(width);
  return std::ranges::find(all, config) != all.end();
}

} // namespace

Result<LaunchPlan> planAttention(std::span<const int64_t> params,
                                 std::span<const SliceInfo, 4> slices,
                                 const Target& target,
                                 const AttentionOptions& options) {
  BURIN_TRY(checkAttention(params, slices));
  const AttentionShape p(params);
  const std::string reason = refusal(p, slices, target);
  if (options.config) {
    const std::string name = attentionConfigName(*options.config);
    if (!reason.empty())
      return invalidArgument("attention cannot use " + name + ": " + reason);
    if (!exists(p.width, *options.config))
      return invalidArgument("attention has no configuration " + name +
                             " for heads of " + std::to_string(p.width) +
                             " columns; see attentionConfigs()");
    if (isResident(*options.config) && p.keys > options.config->keys)
      return invalidArgument("attention's configuration " + name + " holds " +
                             std::to_string(options.config->keys) +
                             " keys, not " + std::to_string(p.keys) +
                             "; use one of more stages");
    return planSm90(p, slices, *options.config);
  }
  if (options.simt || !reason.empty())
    return planSimt(p, slices[0].dtype);
  return planSm90(
      p, slices,
      chooseAttentionConfig(p.width, p.batch * p.heads, p.queries, p.keys));
}

} // namespace burin::kernels::cuda
