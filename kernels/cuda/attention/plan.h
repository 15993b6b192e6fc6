// SPDX-License-Identifier: Apache-2.0
// Attention on a GPU: softmax(scale * Q K^T) V for each head.
//
// On sm_90a, for bf16 and f16, heads of 8 to 256 columns (a multiple of 8) or
// of 384 or 512, bases and pitches of whole 16 bytes and a scale that is
// positive and moderate: attention_sm90.cuh. Everything else, up to 1024
// columns: attention_simt.cuh, correct but slow.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kernels/cuda/plan.h"

namespace burin::kernels::cuda {

// How attention_sm90.cuh divides its work.
struct AttentionConfig {
  int keys;   // of a block of keys
  int groups; // warpgroups of 64 queries in a block of threads
  int stages; // blocks of keys, and of values, in flight; 1: all keys in one
  int blocks; // blocks of threads whose registers fit a multiprocessor
  bool turns; // warpgroups send off their products in turn
  bool operator==(const AttentionConfig&) const = default;
};

// Queries come and go while one block of keys stays: at most `keys` of them.
constexpr bool isResident(const AttentionConfig& config) {
  return config.stages == 1;
}

// "n128_w3_s4_b1_pp": keys, groups, stages, blocks, turns.
std::string attentionConfigName(const AttentionConfig& config);

// Those that exist for heads of `width` columns; none where only
// attention_simt.cuh serves.
std::vector<AttentionConfig> attentionConfigs(int64_t width);

// The one that is expected to be fastest. `rows` = batch * heads. Precondition:
// attentionConfigs(width) is not empty.
AttentionConfig chooseAttentionConfig(int64_t width, int64_t rows,
                                      int64_t queries, int64_t keys);

struct AttentionOptions {
  // Forces one of attentionConfigs(); an error where it cannot serve.
  std::optional<AttentionConfig> config = {};
  bool simt = false; // forces attention_simt.cuh
};

// `params` are AttentionParam of kernels/cpu/contracts.h; slices {q [batch *
// queries, ...], k [batch * keys, ...], v, out}, all of one type.
Result<LaunchPlan> planAttention(std::span<const int64_t> params,
                                 std::span<const SliceInfo, 4> slices,
                                 const Target& target,
                                 const AttentionOptions& options = {});

} // namespace burin::kernels::cuda
