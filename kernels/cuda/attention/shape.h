// SPDX-License-Identifier: Apache-2.0
// What plans of attention and of its gradients share: sizes, what is refused,
// maps over heads.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "kernels/cuda/plan.h"

namespace burin::kernels::cuda {

// AttentionParam of kernels/cpu/contracts.h.
struct AttentionShape {
  int64_t batch, queries, keys, heads, width;
  bool causal;
  double scale;
  float scaleLog2; // scale * log2(e)

  explicit AttentionShape(std::span<const int64_t> params);
  // Of slice q, k, v or out of an image.
  int64_t tokens(size_t slice) const {
    return slice == 1 || slice == 2 ? keys : queries;
  }
};

// Of q, k, v and out.
Status checkAttention(std::span<const int64_t> params,
                      std::span<const SliceInfo, 4> slices);

// Why no text for Hopper can serve, whatever the slices' places, or nothing.
std::string hopperRefusal(const AttentionShape& shape, DType dtype,
                          const Target& target);
// Why no tensor map can be over a slice, `name`, of `tokens` an image.
std::string mapRefusal(const SliceInfo& slice, int64_t tokens,
                       const std::string& name);
// Over (column, head, token, image) of slice number `index`; boxes of `columns`
// times `rows`.
MapPlan attentionMap(uint32_t index, const SliceInfo& slice,
                     const AttentionShape& shape, int64_t tokens,
                     int64_t columns, int64_t rows);

// `blocks` for each head of each image, or why there are too many.
Result<uint32_t> attentionGrid(const AttentionShape& shape, int64_t blocks);

} // namespace burin::kernels::cuda
