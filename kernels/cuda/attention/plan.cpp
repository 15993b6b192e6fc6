// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/attention/plan.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "kernels/cpu/contracts.h"
#include "kernels/cpu/limits.h"
#include "kernels/cuda/attention/products.h"

namespace burin::kernels::cuda {
namespace {

constexpr int64_t kMaxSimtWidth = 1024;
constexpr int64_t kSimtWarps = 4;
constexpr std::array<const char*, 4> kSliceNames = {"q", "k", "v", "out"};

struct Shape {
  int64_t batch, queries, keys, heads, width;
  bool causal;
  float scaleLog2;

  explicit Shape(std::span<const int64_t> p)
      : batch(p[kAttentionBatch]), queries(p[kAttentionQueries]),
        keys(p[kAttentionKeys]), heads(p[kAttentionHeads]),
        width(p[kAttentionWidth]), causal(p[kAttentionCausal] != 0),
        scaleLog2(static_cast<float>(bitsToDouble(p[kAttentionScale]) *
                                     std::numbers::log2e)) {}
  int64_t tokens(size_t slice) const {
    return slice == 1 || slice == 2 ? keys : queries;
  }
};

// As in the two headers.
struct Problem {
  int32_t heads, tiles, queries, keys, images;
  float scaleLog2;
};
struct SimtProblem {
  int32_t heads, tiles, queries, keys, width;
  float scaleLog2;
};

Status check(std::span<const int64_t> params,
             std::span<const SliceInfo, 4> slices) {
  if (params.size() != kAttentionParamCount)
    return invalidArgument("attention has " + std::to_string(params.size()) +
                           " parameters; it takes " +
                           std::to_string(kAttentionParamCount));
  for (int i = 0; i <= kAttentionWidth; ++i)
    if (params[i] < 1 || params[i] > INT32_MAX)
      return invalidArgument("attention's size number " + std::to_string(i) +
                             " is " + std::to_string(params[i]) +
                             "; sizes must be positive and below 2^31");
  const Shape p(params);
  if (!fitsMemory({p.batch, p.queries, p.heads, p.width}) ||
      !fitsMemory({p.batch, p.keys, p.heads, p.width}))
    return invalidArgument(
        "attention's operands must have at most 2^40 elements");
  if (p.causal && p.queries != p.keys)
    return invalidArgument("causal attention of " + std::to_string(p.queries) +
                           " queries to " + std::to_string(p.keys) +
                           " keys; it needs as many queries as keys");
  if (!std::isfinite(p.scaleLog2))
    return invalidArgument("attention's scale must be finite");
  for (size_t i = 0; i < slices.size(); ++i) {
    const std::string name = std::string("attention's ") + kSliceNames[i];
    if (slices[i].dtype != slices[0].dtype)
      return invalidArgument(
          name + " is " + std::string(burin::name(slices[i].dtype)) +
          ", its q " + std::string(burin::name(slices[0].dtype)) +
          "; convert one of them");
    if (slices[i].rows != p.batch * p.tokens(i))
      return invalidArgument(name + " has " + std::to_string(slices[i].rows) +
                             " rows; the parameters give " +
                             std::to_string(p.batch * p.tokens(i)));
    if (slices[i].extent < p.heads * p.width ||
        slices[i].pitch < slices[i].extent)
      return invalidArgument(name + " has rows of " +
                             std::to_string(slices[i].extent) + " elements " +
                             std::to_string(slices[i].pitch) +
                             " apart; its heads are " +
                             std::to_string(p.heads * p.width) + " columns");
  }
  return okStatus();
}

// Why attention_sm90.cuh cannot serve, or nothing.
std::string refusal(const Shape& p, std::span<const SliceInfo, 4> slices,
                    const Target& target) {
  if (target.name != "sm_90a")
    return "the target is " + target.name + ", not sm_90a";
  if (slices[0].dtype != DType::kBF16 && slices[0].dtype != DType::kF16)
    return "the elements are " + std::string(name(slices[0].dtype)) +
           ", not bf16 or f16";
  if (attentionConfigs(p.width).empty())
    return "heads of " + std::to_string(p.width) +
           " columns are no multiple of 8 up to 256, nor 384 or 512";
  // Masked scores are -2^100, and c times them must be far below any score.
  if (!(p.scaleLog2 >= 0x1p-20f && p.scaleLog2 <= 0x1p20f))
    return "the scale is not between 2^-20 and 2^20";
  for (size_t i = 0; i < slices.size(); ++i) {
    constexpr int64_t kMaxStride = (int64_t{1} << 40) - 1;
    const SliceInfo& slice = slices[i];
    if (slice.alignment % 16 != 0 || slice.pitch % 8 != 0)
      return std::string(kSliceNames[i]) +
             " is not aligned to 16 bytes, row by row";
    if (slice.pitch > kMaxStride / 2 / p.tokens(i))
      return std::string(kSliceNames[i]) + " spans 2^40 bytes an image";
  }
  return {};
}

Result<uint32_t> gridOf(const Shape& p, int64_t tiles, int64_t slices) {
  if (!fitsMemory({tiles, slices, p.heads, p.batch}) ||
      tiles * slices * p.heads * p.batch > INT32_MAX)
    return unimplemented("attention of " + std::to_string(p.batch) +
                         " images, " + std::to_string(p.heads) + " heads and " +
                         std::to_string(p.queries) +
                         " queries exceeds a grid of 2^31 blocks; split it");
  return static_cast<uint32_t>(tiles * slices * p.heads * p.batch);
}

// Over (column, head, token, image); boxes of `columns` times `rows`.
MapPlan mapOf(uint32_t index, const SliceInfo& slice, const Shape& p,
              int64_t columns, int rows) {
  const auto tokens = static_cast<uint64_t>(p.tokens(index));
  const auto width = static_cast<uint64_t>(p.width);
  const auto pitch = static_cast<uint64_t>(slice.pitch);
  return {.slice = index,
          .extents = {width, static_cast<uint64_t>(p.heads), tokens,
                      static_cast<uint64_t>(p.batch)},
          .strides = {2 * width, 2 * pitch, 2 * pitch * tokens},
          .box = {static_cast<uint32_t>(columns), 1,
                  static_cast<uint32_t>(rows), 1}};
}

// The columns of a head in boxes of 64 and a last one of the rest: maps of q,
// k, v and out for the former, then for the latter, if they exist.
std::vector<MapPlan> mapsOf(std::span<const SliceInfo, 4> slices,
                            const Shape& p, const AttentionConfig& c) {
  std::vector<MapPlan> maps;
  for (int64_t columns :
       {p.width < 64 ? int64_t{0} : int64_t{64}, p.width % 64})
    for (uint32_t i = 0; columns > 0 && i < 4; ++i)
      maps.push_back(
          mapOf(i, slices[i], p, columns, i == 1 || i == 2 ? c.keys : 64));
  return maps;
}

// Blocks of threads for a head. Where keys stay, no more than are on the card
// at once, and as many tiles of queries for each as for the others.
int64_t tilesOfHead(const Shape& p, const AttentionConfig& c) {
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

std::string sm90Source(const LaunchPlan& plan, const Shape& p,
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

Result<LaunchPlan> planSm90(const Shape& p,
                            std::span<const SliceInfo, 4> slices,
                            const AttentionConfig& c) {
  const bool half = slices[0].dtype == DType::kF16;
  const int64_t columnSlices = p.width > 256 ? 2 : 1;
  const int64_t tiles = tilesOfHead(p, c);
  LaunchPlan plan;
  plan.symbol = "attention_" + std::string(name(slices[0].dtype)) + "_d" +
                std::to_string(p.width) + "_" + attentionConfigName(c) +
                (p.causal ? "_causal" : "");
  BURIN_ASSIGN(plan.blocks[0], gridOf(p, tiles, columnSlices));
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

Result<LaunchPlan> planSimt(const Shape& p, DType dtype) {
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
  BURIN_ASSIGN(plan.blocks[0], gridOf(p, tiles, 1));
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
  BURIN_TRY(check(params, slices));
  const Shape p(params);
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
