// SPDX-License-Identifier: Apache-2.0
// The inner loops that exist once per instruction set, behind one table.
//
// Everything around them (blocking, packing, parameters) is ordinary code in
// the families' own files and takes the table as an argument.
#pragma once

#include <cstdint>

namespace burin::kernels {

// A part of the inner dimension of a product: `depth` steps, step i reading
// rows[r][offset + i * step] for row r.
struct TileSegment {
  const float* const* rows;
  int64_t offset;
  int64_t depth;
};

// tile[r][c] = or += sum over segments and steps of
//   row r's element * panel[step][c]
// for `rows` rows, `ld` floats apart, and a fixed number of columns; the panel
// has as many floats a step, over all segments. Each element is one chain of
// fused multiply-adds in the order of the steps, wherever in a tile it lies.
// Meanwhile `ahead` is fetched into the second-level cache.
struct TileArgs {
  const TileSegment* segments;
  int64_t segmentCount;
  int64_t rows;
  int64_t step;
  const float* panel;
  float* tile;
  int64_t ld;
  bool accumulate;
  const void* ahead = nullptr;
  int64_t aheadBytes = 0;
};
using TileFn = void (*)(const TileArgs& args);

// Rows and the most columns of a tile that stays in registers.
inline constexpr int64_t kTileRows = 6;
inline constexpr int64_t kTileColumns = 64;
inline constexpr int64_t kTileGranule = 16;

// One block of keys in online softmax, [key][query] with `queries` (a multiple
// of kTileGranule) contiguous. Scores are in units of log2. With m the running
// maximum of a query, l its running sum and s the scores:
//   m' = max(m, max_k s_k),  rescale = 2^(m - m'),
//   s_k <- 2^(s_k - m'),     l <- l * rescale + sum_k s_k
struct SoftmaxArgs {
  float* scores;
  int64_t keys;
  int64_t queries;
  float* maximum;
  float* sum;
  float* rescale;
};

// One block of keys in the gradient of attention, laid out the same: with the
// maximum m of a query, r the inverse of its sum and D its inner product,
//   s_k <- w_k = 2^(s_k - m) * r,   p_k <- w_k * (p_k - D)
struct SoftmaxGradientArgs {
  float* scores;
  float* products;
  int64_t keys;
  int64_t queries;
  const float* maximum;
  const float* inverse;
  const float* inner;
};

// For each channel c: sum[c] = sum_i d, square[c] = sum_i d * d with
// d = x[i][c] - pivot[c] over `rows` rows, rows `pitch` elements apart.
struct MomentsArgs {
  const void* x;
  int64_t pitch;
  int64_t rows;
  int64_t channels;
  const float* pivot;
  float* sum;
  float* square;
};

struct Isa {
  const char* name;                             // "generic", "avx2", "avx512"
  TileFn multiply[kTileColumns / kTileGranule]; // [columns / kTileGranule - 1]
  void (*softmax)(const SoftmaxArgs& args);
  void (*softmaxGradient)(const SoftmaxGradientArgs& args);
  void (*momentsF32)(const MomentsArgs& args);
  void (*momentsBF16)(const MomentsArgs& args);
  // rows[i][0..columns) *= factors[0..columns), columns of kTileGranule.
  void (*scaleRows)(float* rows, int64_t count, int64_t columns,
                    const float* factors);
  // bf16 to float32: a row, and a panel whose 32-bit lanes hold two steps.
  void (*expandRow)(const uint16_t* from, float* to, int64_t count);
  void (*expandPairs)(const uint16_t* from, float* to, int64_t pairs,
                      int64_t columns);
};

namespace generic {
extern const Isa kIsa;
}
namespace avx2 {
extern const Isa kIsa;
}
namespace avx512 {
extern const Isa kIsa;
}

} // namespace burin::kernels
