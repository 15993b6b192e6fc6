// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/attention/gradient_sm90.h"

#include <algorithm>
#include <array>

#include "kernels/cuda/attention/products.h"

namespace burin::kernels::cuda {
namespace {

using Step = AttentionGradientStep;
using Config = AttentionGradientConfig;

// As in gradient_tile_sm90.cuh.
struct Problem {
  int32_t heads, tiles, rows, streamed, images;
  float scale, scaleLog2;
};

// Numbers of slices: what stays, what passes, what is written.
struct Roles {
  std::array<uint32_t, 2> rows, streamed;
  std::vector<uint32_t> written;
  const char* text; // of the struct that has the rows
};
Roles rolesOf(Step step) {
  if (step == Step::kQueries)
    return {{0, 4}, {1, 2}, {5}, "QueryRows"};
  return {{1, 2}, {0, 3}, {4, 5}, "KeyRows"};
}

int64_t rowsOf(Step step, const AttentionShape& p) {
  return step == Step::kQueries ? p.queries : p.keys;
}
int64_t streamedOf(Step step, const AttentionShape& p) {
  return step == Step::kQueries ? p.keys : p.queries;
}

// Two that stay, two that pass, one or two that are written: in boxes of 64
// columns and a last one of the rest, where they exist.
std::vector<MapPlan> mapsOf(Step step, const AttentionShape& p,
                            std::span<const SliceInfo> slices,
                            const Config& config) {
  const Roles roles = rolesOf(step);
  std::vector<MapPlan> maps;
  for (int64_t columns :
       {p.width < 64 ? int64_t{0} : int64_t{64}, p.width % 64}) {
    const auto add = [&](uint32_t slice, int64_t tokens, int64_t box) {
      if (columns > 0)
        maps.push_back(
            attentionMap(slice, slices[slice], p, tokens, columns, box));
    };
    for (uint32_t slice : roles.rows)
      add(slice, rowsOf(step, p), 64);
    for (uint32_t slice : roles.streamed)
      add(slice, streamedOf(step, p), config.tokens);
    for (uint32_t slice : roles.written)
      add(slice, rowsOf(step, p), 64);
  }
  return maps;
}

int64_t sharedBytesOf(const Config& c, int64_t width) {
  const int64_t row = (width + 63) / 64 * 128; // with what pads it
  const int64_t stage = 2 * c.tokens * row + 8 * c.tokens;
  return 1024 + c.groups * 2 * 64 * row + c.stages * stage +
         8 * (c.groups + 2 * c.stages);
}

std::string flag(bool value) {
  return value ? "true" : "false";
}

std::string sourceOf(Step step, const AttentionShape& p, const Config& c,
                     const LaunchPlan& plan, bool half) {
  const Roles roles = rolesOf(step);
  const size_t count = 4 + roles.written.size();
  const auto number = [](size_t i) { return std::to_string(i); };
  std::string text = "#include \"attention/gradient_sm90.cuh\"\n";
  text +=
      c.held ? heldScoreProduct(c.tokens, half) : scoreProduct(c.tokens, half);
  text += outputProduct(static_cast<int>(p.width), half);
  text += "using Shape = GradientTile<" + number(p.width) + ", " +
          number(c.tokens) + ", " + number(c.groups) + ", " + number(c.stages) +
          ", " + flag(c.held) + ", " + flag(half) + ">;\n";
  text += "static_assert(Shape::kSharedBytes == " + number(plan.sharedBytes) +
          " && Shape::kThreads == " + number(plan.threads) +
          ", \"as planned\");\n";
  text += "extern \"C\" __global__ void __launch_bounds__(" +
          number(plan.threads) + ", 1)\n" + plan.symbol +
          "(const __grid_constant__ Views<7> views,\n";
  for (size_t i = 0; i < plan.maps.size(); ++i)
    text += "    const __grid_constant__ TensorMap map" + number(i) + ",\n";
  // Whole boxes and the last one; where one kind exists it stands for both.
  const auto pair = [&](size_t i) {
    return "{map" + number(i) + ", map" + number(i + plan.maps.size() - count) +
           "}";
  };
  text += "    const __grid_constant__ GradientProblem problem) {\n"
          "  attentionGradient<Shape, " +
          std::string(roles.text) + ">(views, {{" + pair(0) + ", " + pair(1) +
          "}},\n    {{" + pair(2) + ", " + pair(3) + "}}, " + pair(4) + ", " +
          pair(count - 1) + ", problem);\n}\n";
  return text;
}

// "n128_w2_s3_held": tokens, groups, stages, held.
std::string nameOf(const Config& config) {
  return "n" + std::to_string(config.tokens) + "_w" +
         std::to_string(config.groups) + "_s" + std::to_string(config.stages) +
         (config.held ? "_held" : "");
}

} // namespace

// As measured on an H100 (bench/cuda/h100.md); between the widths of 40, 64, 80
// and 160, what their shared memory and registers allow.
std::optional<Config> attentionGradientConfig(Step step, int64_t width) {
  if (width % 8 != 0 || width < 8 || width > 160)
    return std::nullopt;
  if (step == Step::kQueries) {
    if (width <= 48)
      return Config{64, 3, 6, false};
    if (width <= 64)
      return Config{128, 2, 4, false};
    if (width <= 80)
      return Config{64, 3, 3, false};
    if (width <= 128)
      return Config{64, 2, 3, false};
    return Config{64, 2, 2, false};
  }
  if (width <= 40)
    return Config{96, 2, 4, false};
  if (width <= 64)
    return Config{64, 2, 4, true};
  if (width <= 80)
    return Config{48, 2, 4, true};
  if (width <= 128)
    return Config{32, 2, 4, false};
  return Config{16, 2, 6, false};
}

bool servesGradientSm90(Step step, const AttentionShape& p,
                        std::span<const SliceInfo> slices,
                        const Target& target) {
  if (!hopperRefusal(p, slices[0].dtype, target).empty() || p.causal ||
      !attentionGradientConfig(step, p.width))
    return false;
  // The last slice has the statistics.
  return std::ranges::all_of(
      slices.first(slices.size() - 1), [&](const SliceInfo& slice) {
        return mapRefusal(slice, slice.rows / p.batch, {}).empty();
      });
}

Result<LaunchPlan> planGradientSm90(Step step, const AttentionShape& p,
                                    std::span<const SliceInfo> slices,
                                    const Config& config) {
  const int64_t tiles =
      (rowsOf(step, p) + 64 * config.groups - 1) / (64 * config.groups);
  const bool half = slices[0].dtype == DType::kF16;
  LaunchPlan plan;
  plan.symbol = std::string("attention_") +
                (step == Step::kQueries ? "query" : "key") + "_gradient_" +
                std::string(name(slices[0].dtype)) + "_d" +
                std::to_string(p.width) + "_" + nameOf(config);
  BURIN_ASSIGN(plan.blocks[0], attentionGrid(p, tiles));
  plan.threads = static_cast<uint32_t>(128 * (config.groups + 1));
  plan.sharedBytes = static_cast<uint32_t>(sharedBytesOf(config, p.width));
  plan.maps = mapsOf(step, p, slices, config);
  const auto number = [](int64_t value) { return static_cast<int32_t>(value); };
  plan.constants =
      bytesOf(Problem{number(p.heads), number(tiles), number(rowsOf(step, p)),
                      number(streamedOf(step, p)), number(p.batch),
                      static_cast<float>(p.scale), p.scaleLog2});
  plan.source = sourceOf(step, p, config, plan, half);
  return plan;
}

} // namespace burin::kernels::cuda
