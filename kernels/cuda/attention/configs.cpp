// SPDX-License-Identifier: Apache-2.0
// Which configurations exist, and which is taken: by measurement on an H100.
#include <algorithm>

#include "kernels/cuda/attention/plan.h"

namespace burin::kernels::cuda {
namespace {

constexpr int64_t kMultiprocessors = 132; // of an H100 SXM
// Up to this width the registers suffice for four warpgroups and 80 keys.
constexpr int64_t kNarrow = 48;

// `cost` is the time in microseconds of one tile against 4096 keys while every
// multiprocessor computes one. Measured at widths 40, 64 and 80; estimated for
// those of more than 128.
struct Candidate {
  AttentionConfig config;
  double cost;
};

// For more keys than one block holds.
std::vector<Candidate> streaming(int64_t width) {
  if (width <= 64)
    return {{{128, 3, 4, 1, true}, 46},
            {{64, 4, 5, 1, true}, 64},
            {{128, 1, 2, 2, false}, 30}};
  if (width <= 128)
    return {{{128, 2, 3, 1, true}, 58}, {{64, 1, 3, 2, false}, 51}};
  if (width <= 256)
    return {{{64, 1, width <= 192 ? 4 : 3, 1, false}, 80},
            {{64, 2, 2, 1, false}, 112}};
  return {{{32, 1, 3, 1, false}, 146}, {{32, 2, 2, 1, false}, 154}};
}

// For keys that fit one block, such as the 77 tokens of a text.
std::vector<AttentionConfig> single(int64_t width) {
  // Four warpgroups to one load of the keys.
  if (width <= kNarrow)
    return {{80, 1, 1, 3, false}, {80, 4, 5, 1, true}};
  if (width <= 128)
    return {{80, 1, 1, width <= 80 ? 3 : 2, false}};
  if (width <= 160)
    return {{80, 1, 1, 2, false}, {64, 1, 1, 2, false}};
  return {};
}

int64_t tilesOf(const AttentionConfig& config, int64_t rows, int64_t queries) {
  const int64_t tile = 64 * config.groups;
  return (queries + tile - 1) / tile * rows;
}

AttentionConfig chooseSingle(const std::vector<AttentionConfig>& configs,
                             int64_t width, int64_t rows, int64_t queries,
                             int64_t keys) {
  if (width > 128)
    return configs[keys <= 64 ? 1 : 0];
  // The larger tiles pay while they fill the card.
  if (width <= kNarrow &&
      tilesOf(configs[1], rows, queries) >= kMultiprocessors * 3 / 4)
    return configs[1];
  return configs[0];
}

} // namespace

std::string attentionConfigName(const AttentionConfig& config) {
  return "n" + std::to_string(config.keys) + "_w" +
         std::to_string(config.groups) + "_s" + std::to_string(config.stages) +
         "_b" + std::to_string(config.blocks) + (config.turns ? "_pp" : "");
}

std::vector<AttentionConfig> attentionConfigs(int64_t width) {
  const bool whole = width >= 8 && width <= 256 && width % 8 == 0;
  const bool sliced = width == 384 || width == 512;
  if (!whole && !sliced)
    return {};
  std::vector<AttentionConfig> configs = single(width);
  for (const Candidate& candidate : streaming(width))
    configs.push_back(candidate.config);
  return configs;
}

AttentionConfig chooseAttentionConfig(int64_t width, int64_t rows,
                                      int64_t queries, int64_t keys) {
  const std::vector<AttentionConfig> one = single(width);
  if (!one.empty() && keys <= one.front().keys)
    return chooseSingle(one, width, rows, queries, keys);
  const int64_t slices = width > 256 ? 2 : 1;
  const auto time = [&](const Candidate& candidate) {
    const int64_t tiles = tilesOf(candidate.config, rows * slices, queries);
    const int64_t rounds = (tiles + kMultiprocessors - 1) / kMultiprocessors;
    return static_cast<double>(rounds) * candidate.cost;
  };
  return std::ranges::min(streaming(width), {}, time).config;
}

} // namespace burin::kernels::cuda
