// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/attention/shape.h"

#include <array>
#include <cmath>
#include <numbers>

#include "kernels/cpu/contracts.h"
#include "kernels/cpu/limits.h"

namespace burin::kernels::cuda {
namespace {

constexpr std::array<const char*, 4> kSliceNames = {"q", "k", "v", "out"};

Status checkSlice(const AttentionShape& p, const SliceInfo& slice,
                  const SliceInfo& first, size_t index) {
  const std::string name = std::string("attention's ") + kSliceNames[index];
  const int64_t columns = p.heads * p.width;
  if (slice.dtype != first.dtype)
    return invalidArgument(
        name + " is " + std::string(burin::name(slice.dtype)) + ", its q " +
        std::string(burin::name(first.dtype)) + "; convert one of them");
  if (slice.rows != p.batch * p.tokens(index))
    return invalidArgument(name + " has " + std::to_string(slice.rows) +
                           " rows; the parameters give " +
                           std::to_string(p.batch * p.tokens(index)));
  if (slice.extent < columns || slice.pitch < slice.extent)
    return invalidArgument(
        name + " has rows of " + std::to_string(slice.extent) + " elements " +
        std::to_string(slice.pitch) + " apart; its heads are " +
        std::to_string(columns) + " columns");
  return okStatus();
}

} // namespace

AttentionShape::AttentionShape(std::span<const int64_t> p)
    : batch(p[kAttentionBatch]), queries(p[kAttentionQueries]),
      keys(p[kAttentionKeys]), heads(p[kAttentionHeads]),
      width(p[kAttentionWidth]), causal(p[kAttentionCausal] != 0),
      scale(bitsToDouble(p[kAttentionScale])),
      scaleLog2(static_cast<float>(scale * std::numbers::log2e)) {}

Status checkAttention(std::span<const int64_t> params,
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
  const AttentionShape p(params);
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
  for (size_t i = 0; i < slices.size(); ++i)
    BURIN_TRY(checkSlice(p, slices[i], slices[0], i));
  return okStatus();
}

std::string hopperRefusal(const AttentionShape& p, DType dtype,
                          const Target& target) {
  if (target.name != "sm_90a")
    return "the target is " + target.name + ", not sm_90a";
  if (dtype != DType::kBF16 && dtype != DType::kF16)
    return "the elements are " + std::string(name(dtype)) + ", not bf16 or f16";
  // Masked scores are -2^100, and c times them must be far below any score.
  if (!(p.scaleLog2 >= 0x1p-20f && p.scaleLog2 <= 0x1p20f))
    return "the scale is not between 2^-20 and 2^20";
  return {};
}

std::string mapRefusal(const SliceInfo& slice, int64_t tokens,
                       const std::string& name) {
  constexpr int64_t kMaxStride = (int64_t{1} << 40) - 1;
  if (slice.alignment % 16 != 0 || slice.pitch % 8 != 0)
    return name + " is not aligned to 16 bytes, row by row";
  if (slice.pitch > kMaxStride / 2 / tokens)
    return name + " spans 2^40 bytes an image";
  return {};
}

MapPlan attentionMap(uint32_t index, const SliceInfo& slice,
                     const AttentionShape& p, int64_t tokens, int64_t columns,
                     int64_t rows) {
  const auto count = static_cast<uint64_t>(tokens);
  const auto width = static_cast<uint64_t>(p.width);
  const auto pitch = static_cast<uint64_t>(slice.pitch);
  return {.slice = index,
          .extents = {width, static_cast<uint64_t>(p.heads), count,
                      static_cast<uint64_t>(p.batch)},
          .strides = {2 * width, 2 * pitch, 2 * pitch * count},
          .box = {static_cast<uint32_t>(columns), 1,
                  static_cast<uint32_t>(rows), 1}};
}

Result<uint32_t> attentionGrid(const AttentionShape& p, int64_t blocks) {
  if (!fitsMemory({blocks, p.heads, p.batch}) ||
      blocks * p.heads * p.batch > INT32_MAX)
    return unimplemented("attention of " + std::to_string(p.batch) +
                         " images, " + std::to_string(p.heads) + " heads and " +
                         std::to_string(p.queries) +
                         " queries exceeds a grid of 2^31 blocks; split it");
  return static_cast<uint32_t>(blocks * p.heads * p.batch);
}

} // namespace burin::kernels::cuda
