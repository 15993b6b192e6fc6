// SPDX-License-Identifier: Apache-2.0
// Which configurations exist, and which is taken: by measurement on an H100.
#include <algorithm>

#include "kernels/cuda/attention/plan.h"

namespace burin::kernels::cuda {
namespace {

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
  if (width <= 80)
    return {{{128, 2, 3, 1, true}, 50},
            {{64, 3, 4, 1, false}, 69},
            {{64, 1, 3, 2, false}, 43}};
  if (width <= 128)
    return {{{128, 2, 3, 1, true}, 58}, {{64, 1, 3, 2, false}, 51}};
  if (width <= 256)
    return {{{64, 1, width <= 192 ? 4 : 3, 1, false}, 80},
            {{64, 2, 2, 1, false}, 112}};
  return {{{32, 1, 3, 1, false}, 146}, {{32, 2, 2, 1, false}, 154}};
}

// For keys that fit one block, such as the 77 tokens of a text.
std::vector<AttentionConfig> resident(int64_t width) {
  // Up to this width the registers suffice for six warpgroups.
  if (width <= 40)
    return {{80, 2, 1, 3, false}};
  if (width <= 128)
    return {{80, 1, 1, width <= 80 ? 3 : 2, false}};
  if (width <= 160)
    return {{64, 1, 1, 2, false}, {80, 1, 1, 2, false}};
  return {};
}

// In tiles that fill a multiprocessor each, one after another. A head's last
// tile lasts as long as it has queries; these run last, the first of them
// beside the last round of whole tiles.
double roundsOf(const AttentionConfig& config, int64_t rows, int64_t queries) {
  const int64_t tile = 64 * config.groups;
  const auto roundsOfTiles = [](int64_t tiles) {
    return (tiles + kMultiprocessors - 1) / kMultiprocessors;
  };
  const int64_t whole = queries / tile * rows;
  const int64_t rounds = roundsOfTiles(whole);
  const int64_t groups = (queries % tile + 63) / 64;
  const int64_t beside = rounds * kMultiprocessors - whole;
  const int64_t after =
      groups > 0 ? roundsOfTiles(std::max<int64_t>(0, rows - beside)) : 0;
  return static_cast<double>(rounds) + static_cast<double>(after * groups) /
                                           static_cast<double>(config.groups);
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
  std::vector<AttentionConfig> configs = resident(width);
  for (const Candidate& candidate : streaming(width))
    configs.push_back(candidate.config);
  return configs;
}

AttentionConfig chooseAttentionConfig(int64_t width, int64_t rows,
                                      int64_t queries, int64_t keys) {
  for (const AttentionConfig& config : resident(width))
    if (keys <= config.keys)
      return config;
  const int64_t slices = width > 256 ? 2 : 1;
  const auto time = [&](const Candidate& candidate) {
    return roundsOf(candidate.config, rows * slices, queries) * candidate.cost;
  };
  return std::ranges::min(streaming(width), {}, time).config;
}

} // namespace burin::kernels::cuda
