// SPDX-License-Identifier: Apache-2.0
// What each CPU library kernel expects: slices, parameters, packed forms. The
// compiler writes steps against this file; the kernels check against it.
//
// Floating parameters travel as the bits of a double (`doubleBits`). Unless
// said otherwise rows of a slice are `pitch` elements apart and the last
// dimension is contiguous; leading dimensions are collapsed into rows.
#pragma once

#include <bit>
#include <cstdint>
#include <span>

#include "runtime/base/dtype.h"

namespace burin::kernels {

constexpr int64_t doubleBits(double value) {
  return std::bit_cast<int64_t>(value);
}
constexpr double bitsToDouble(int64_t bits) {
  return std::bit_cast<double>(bits);
}

// "contract.f32", "contract.bf16": the implicit-GEMM convolution and, with a
// 1x1 kernel, the linear layer. Writes nothing itself: each tile of
//   C[m, n] = sum_{ky, kx, c} A[y(m, ky), x(m, kx), c] * W[n, c, ky, kx]
// goes to the epilogue in float32, m = (batch, out row, out column). A read
// outside the input is zero. `upsample` f > 1 reads the input enlarged f times
// by nearest neighbour (in_height and in_width are those before enlarging).
// A linear layer over M rows has batch = out_height = in_height = 1 and
// out_width = in_width = M.
// Slices: {input [rows, channels] f32 or bf16, packed weights}.
enum ContractParam : int {
  kContractBatch,
  kContractOutHeight,
  kContractOutWidth,
  kContractInHeight,
  kContractInWidth,
  kContractChannels,
  kContractKernelHeight,
  kContractKernelWidth,
  kContractStride,
  kContractPadTop,
  kContractPadLeft,
  kContractUpsample,
  kContractOutChannels,
  kContractParamCount
};

// "contract_shortcut.bf16", "contract_shortcut.f16", which a card may have: a
// contraction to whose sums are added those of a second input, which has a
// pixel for each of the output's,
//   C[m, n] += sum_c S[m, c] * V[n, c]
// Slices: {input, packed weights of both, S [m, channels]}.
enum ContractShortcutParam : int {
  kContractShortcutChannels = kContractParamCount, // after ContractParam
  kContractShortcutParamCount
};

// "pack_contract.f32", "pack_contract.bf16": W [n, c, ky, kx] (or [n, c]) of
// any float dtype into column panels for "contract". "pack_transposed.f32",
// "pack_transposed.bf16": the same of W [c, n, ky, kx] (or [c, n]) with the
// taps in reverse, which is what gradients with respect to inputs are
// contracted with. Slices: {W, packed}; only the rows of a W of rank 2 may lie
// apart.
enum PackContractParam : int {
  kPackOutChannels,
  kPackChannels,
  kPackKernelHeight,
  kPackKernelWidth,
  kPackSourceDType, // a DType
  kPackFolds,       // contractFolds of the contraction to come: 0 or 1
  kPackParamCount
};

// A 3x3 convolution of an input that is enlarged twice reads every input row
// and column that it meets two times. Adding up the weights that meet the same
// element leaves, for each of the four phases (out row mod 2, out column mod
// 2), a 2x2 convolution of the input as it is: 4 multiply-adds instead of 9.
// Only in float32, for sums of bf16 weights are no bf16 numbers.
inline bool contractFolds(std::span<const int64_t> contractParams,
                          DType dtype) {
  const auto& p = contractParams;
  return dtype == DType::kF32 && p[kContractUpsample] == 2 &&
         p[kContractKernelHeight] == 3 && p[kContractKernelWidth] == 3 &&
         p[kContractStride] == 1 && p[kContractPadTop] == 1 &&
         p[kContractPadLeft] == 1 &&
         p[kContractOutHeight] == 2 * p[kContractInHeight] &&
         p[kContractOutWidth] == 2 * p[kContractInWidth];
}

// Panels are 64 columns wide, the last one as many as are left, rounded up to
// 16 and filled with zeros. A panel is [k][column], k = (ky, kx, c), one after
// another; for bf16 two neighbouring k share a 32-bit lane, [k / 2][column][2],
// with c padded to even. Folded weights are the packed forms of the four
// phases (0, 0), (0, 1), (1, 0), (1, 1), one after another.
inline constexpr int64_t kPanelColumns = 64;
inline constexpr int64_t kPanelGranule = 16;

constexpr int64_t packedContractBytes(int64_t outChannels, int64_t channels,
                                      int64_t kernelHeight, int64_t kernelWidth,
                                      DType dtype, bool folds = false) {
  int64_t columns =
      (outChannels + kPanelGranule - 1) / kPanelGranule * kPanelGranule;
  if (dtype == DType::kBF16)
    return (channels + 1) / 2 * 2 * kernelHeight * kernelWidth * columns * 2;
  const int64_t taps = folds ? 4 * 2 * 2 : kernelHeight * kernelWidth;
  return channels * taps * columns * 4;
}

// "weight_gradient.f32", "weight_gradient.bf16" (the suffix is the type of x
// and dy): with the geometry of "contract", the gradient of its weights
//   dW[n, c, ky, kx] = sum_m dy[m, n] * x[y(m, ky), x(m, kx), c]
// Parameters: ContractParam. Slices: {x [rows, channels], dy [m, n],
// dW [n * c * ky, kx] f32}.

// "attention.f32", "attention.bf16": softmax(scale * Q K^T) V for each head,
// without a stored score matrix. Head h is columns [h * width, (h+1) * width).
// Slices: {q [batch * queries, ...], k [batch * keys, ...], v, out}.
enum AttentionParam : int {
  kAttentionBatch,
  kAttentionQueries,
  kAttentionKeys,
  kAttentionHeads,
  kAttentionWidth,  // of one head
  kAttentionCausal, // 1: query i sees keys 0..i (needs queries == keys)
  kAttentionScale,  // double bits
  kAttentionParamCount
};

// "attention_gradient.f32", "attention_gradient.bf16": the gradients of
// "attention", of the same parameters, with its result y and the gradient of
// that, dy. With P = softmax(scale * Q K^T) and D_i = sum_d dy_id * y_id:
//   dV = P^T dY,  dS = P * (dY V^T - D),  dQ = scale * dS K,
//   dK = scale * dS^T Q
// Slices: {q, k, v, y, dy, dq, dk, dv}, rows as of "attention".

// "group_affine.f32", "group_affine.bf16" (the suffix is x's type): the two
// factors of GroupNorm, so that y = x * scale + shift:
//   scale[n, c] = gamma[c] / sqrt(var[n, g(c)] + eps)
//   shift[n, c] = beta[c] - mean[n, g(c)] * scale[n, c]
// with the biased variance. Slices: {x [batch * pixels, channels], gamma,
// beta, scale [batch, channels] f32, shift f32}; gamma and beta are of the
// parameter's dtype.
enum GroupAffineParam : int {
  kGroupBatch,
  kGroupPixels,
  kGroupChannels,
  kGroupGroups,
  kGroupEpsilon,     // double bits
  kGroupAffineDType, // of gamma and beta
  kGroupParamCount
};

// "gather_rows": out[i] = table[index[i]]; an index outside the table gives a
// row of 0xff bytes (NaN in every float type). With groups > 1 the table is
// split into `groups` equal parts and index[i] counts inside part
// i / (count / groups). Slices: {table [rows, width], index i64 or i32, out}.
enum GatherParam : int {
  kGatherRows,
  kGatherWidth,
  kGatherCount,
  kGatherGroups,
  kGatherElementBytes,
  kGatherIndexBytes,
  kGatherParamCount
};

// "random_normal.f32": standard normals from Philox4x32-10, element i of the
// stream (seed, offset) depending on i alone. With b = offset + i / 4, the
// words r0..r3 = Philox(counter {b low, b high, 0, 0}, key {seed low, seed
// high}) and u_j = (r_j + 1/2) / 2^32, elements 4b .. 4b + 3 are
//   R cos(T), R sin(T) with R = sqrt(-2 ln u0), T = 2 pi u1,
// and the same with u2 and u3; in double, rounded to float at the end.
// Slices: {seed i64[2] = {seed, offset}, out f32, dense}.
enum RandomNormalParam : int { kRandomCount, kRandomParamCount };

} // namespace burin::kernels
