// SPDX-License-Identifier: Apache-2.0
// Attention by blocks of keys with an online softmax, one query a lane.
//
// Everything is kept transposed, queries contiguous: with Q' [width][query]
// packed once, a block of keys gives
//   S [key][query]   = K Q'
//   O'[width][query] = O' * rescale + V^T P
// and both products are the contraction's micro-kernel: keys are its rows in
// the first, V's columns are its rows in the second, with a row of V as the
// step. So maximum and sum need no shuffles, and any width is as good as any
// other. An item is up to four strips of 64 queries of a head: they share each
// block of keys and values, which is copied first so that it lies together.
#include "kernels/cpu/attention/attention.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>

#include "kernels/cpu/attention/problem.h"
#include "kernels/cpu/contract/geometry.h"
#include "kernels/cpu/limits.h"
#include "kernels/cpu/scratch.h"

namespace burin::kernels {
namespace {

constexpr int64_t kMaxStrips = 4;
// Strips of an item together: Q' and O' then fit the second-level cache.
constexpr int64_t kMaxStripFloats = 1024 * kTileColumns;
// So many items are enough for any number of threads; with fewer, items are
// made smaller.
constexpr int64_t kEnoughItems = 16;
// Scores of a block, 96 x 64 floats, are half of a 48 KiB first-level cache.
constexpr int64_t kKeyBlock = 16 * kTileRows;

struct Problem : AttentionProblem {
  using AttentionProblem::AttentionProblem;

  // Strips of an item, and items of a head.
  int64_t strips() const {
    int64_t strips = kMaxStrips;
    while (strips > 1 &&
           (strips * width * kTileColumns > kMaxStripFloats ||
            batch * heads * divideUp(queries, strips * kTileColumns) <
                kEnoughItems))
      strips /= 2;
    return strips;
  }
  int64_t queryBlocks() const {
    return divideUp(queries, strips() * kTileColumns);
  }
};

// Queries that lie side by side in vectors, and what is known of them so far.
struct Strip {
  int64_t first; // query of the sample
  int64_t count;
  int64_t columns; // the count rounded up to whole vectors
  float* query;    // [width][columns], scaled
  float* out;      // [width][columns], not yet divided by the sum
  float* maximum;
  float* sum;
};

template <typename T>
class Attention {
public:
  Attention(const Isa* isa, const CallArgs* args,
            std::span<const int64_t> params, Scratch& scratch)
      : isa_(isa), args_(args), p_(params),
        queryBlock_(p_.strips() * kTileColumns),
        queryBlocks_(p_.queryBlocks()) {
    for (int64_t i = 0; i < p_.strips(); ++i) {
      Strip& strip = strips_[i];
      strip.query = scratch.take<float>(p_.width * kTileColumns);
      strip.out = scratch.take<float>(p_.width * kTileColumns);
      strip.maximum = scratch.take<float>(kTileColumns);
      strip.sum = scratch.take<float>(kTileColumns);
    }
    scores_ = scratch.take<float>(kKeyBlock * kTileColumns);
    rescale_ = scratch.take<float>(kTileColumns);
    keys_ = scratch.take<float>(kKeyBlock * p_.width);
    values_ = scratch.take<float>(kKeyBlock * p_.width);
    keyRows_ = scratch.take<const float*>(kKeyBlock);
    valueColumns_ = scratch.take<const float*>(p_.width);
  }

  void prepare() {
    for (int64_t i = 0; i < kKeyBlock; ++i)
      keyRows_[i] = keys_ + i * p_.width;
    for (int64_t d = 0; d < p_.width; ++d)
      valueColumns_[d] = values_ + d;
  }

  void run(int64_t item) {
    const int64_t firstQuery = item % queryBlocks_ * queryBlock_;
    const int64_t head = item / queryBlocks_ % p_.heads;
    const int64_t batch = item / queryBlocks_ / p_.heads;
    const int64_t last = std::min(p_.queries, firstQuery + queryBlock_);
    int64_t strips = 0;
    for (int64_t q = firstQuery; q < last; q += kTileColumns)
      openStrip(strips_[strips++], batch, head, q);

    const int64_t visible = p_.causal ? std::min(p_.keys, last) : p_.keys;
    for (int64_t key = 0; key < visible; key += kKeyBlock) {
      const int64_t count = std::min(kKeyBlock, visible - key);
      const int64_t row = batch * p_.keys + key;
      copyRows(1, row, head, count, keys_);
      copyRows(2, row, head, count, values_);
      for (int64_t i = 0; i < strips; ++i)
        if (!p_.causal || key < strips_[i].first + strips_[i].count)
          addKeys(strips_[i], key, count);
    }
    for (int64_t i = 0; i < strips; ++i)
      closeStrip(strips_[i], batch, head);
  }

private:
  T* element(int slice, int64_t row, int64_t head) const {
    const View& view = args_->slices[slice];
    return static_cast<T*>(view.data) + row * view.pitch + head * p_.width;
  }

  // The head's part of `count` rows of K or V, as float32, rows touching. The
  // rows of the following block are asked for on the way.
  void copyRows(int slice, int64_t row, int64_t head, int64_t count,
                float* to) const {
    const T* from = element(slice, row, head);
    const int64_t ahead = kKeyBlock * args_->slices[slice].pitch;
    for (int64_t i = 0; i < count; ++i, to += p_.width) {
      for (int64_t d = 0; d < p_.width; d += 64 / int64_t{sizeof(T)})
        __builtin_prefetch(from + ahead + d, 0, 2);
      if constexpr (sizeof(T) == 2)
        isa_->expandRow(from, to, p_.width);
      else
        std::memcpy(to, from, p_.width * sizeof(float));
      from += args_->slices[slice].pitch;
    }
  }

  // Packs Q' with the scale and the change of base to 2 folded in.
  void openStrip(Strip& strip, int64_t batch, int64_t head, int64_t first) {
    strip.first = first;
    strip.count = std::min(kTileColumns, p_.queries - first);
    strip.columns = roundUp(strip.count, kTileGranule);
    const float factor = static_cast<float>(p_.scale * std::numbers::log2e);
    const T* row = element(0, batch * p_.queries + first, head);
    for (int64_t i = 0; i < strip.columns; ++i) {
      for (int64_t d = 0; d < p_.width; ++d)
        strip.query[d * strip.columns + i] =
            i < strip.count ? toFloat(row[d]) * factor : 0.f;
      row += args_->slices[0].pitch;
    }
    std::fill_n(strip.maximum, strip.columns,
                -std::numeric_limits<float>::infinity());
    std::fill_n(strip.sum, strip.columns, 0.f);
  }

  void addKeys(const Strip& strip, int64_t key, int64_t count) {
    const int64_t columns = strip.columns;
    multiply({keyRows_, 0, p_.width}, 1, count, columns, strip.query, scores_,
             false);
    if (p_.causal)
      hideLaterKeys(strip, key, count);
    isa_->softmax(
        {scores_, count, columns, strip.maximum, strip.sum, rescale_});
    if (key > 0)
      isa_->scaleRows(strip.out, p_.width, columns, rescale_);
    multiply({valueColumns_, 0, count}, p_.width, p_.width, columns, scores_,
             strip.out, key > 0);
  }

  void multiply(const TileSegment& segment, int64_t step, int64_t rows,
                int64_t columns, const float* panel, float* to,
                bool accumulate) const {
    isa_->multiply[columns / kTileGranule - 1](
        {&segment, 1, rows, step, panel, to, columns, accumulate});
  }

  void hideLaterKeys(const Strip& strip, int64_t key, int64_t count) {
    for (int64_t i = std::max<int64_t>(0, strip.first + 1 - key); i < count;
         ++i) {
      const int64_t hidden = std::min(strip.columns, key + i - strip.first);
      std::fill_n(scores_ + i * strip.columns, hidden,
                  -std::numeric_limits<float>::infinity());
    }
  }

  void closeStrip(const Strip& strip, int64_t batch, int64_t head) {
    T* row = element(3, batch * p_.queries + strip.first, head);
    for (int64_t i = 0; i < strip.count; ++i) {
      const float factor = 1.f / strip.sum[i];
      for (int64_t d = 0; d < p_.width; ++d)
        row[d] = fromFloat<T>(strip.out[d * strip.columns + i] * factor);
      row += args_->slices[3].pitch;
    }
  }

  const Isa* isa_;
  const CallArgs* args_;
  Problem p_;
  int64_t queryBlock_, queryBlocks_;
  std::array<Strip, kMaxStrips> strips_{};
  float* scores_; // [key][columns]
  float* rescale_;
  float* keys_;   // [key][width]
  float* values_; // [key][width]
  const float** keyRows_;
  const float** valueColumns_;
};

template <typename T>
size_t scratchBytes(std::span<const int64_t> params) {
  Scratch scratch;
  Attention<T>(nullptr, nullptr, params, scratch);
  return scratch.used();
}

template <typename T>
void run(const Isa& isa, const CallArgs& args, int64_t begin, int64_t end,
         std::byte* memory) {
  Scratch scratch(memory);
  Attention<T> attention(&isa, &args, args.params, scratch);
  attention.prepare();
  for (int64_t item = begin; item < end; ++item)
    attention.run(item);
}

} // namespace

std::string_view checkAttention(std::span<const int64_t> params) {
  for (int i = 0; i <= kAttentionWidth; ++i)
    if (params[i] < 1 || params[i] > INT32_MAX)
      return "attention's sizes must be positive and below 2^31";
  const Problem p(params);
  if (!fitsMemory({p.batch, p.queries, p.heads, p.width}) ||
      !fitsMemory({p.batch, p.keys, p.heads, p.width}))
    return "attention's operands must have at most 2^40 elements";
  if (params[kAttentionCausal] != 0 &&
      params[kAttentionQueries] != params[kAttentionKeys])
    return "causal attention needs as many queries as keys";
  if (!std::isfinite(bitsToDouble(params[kAttentionScale])))
    return "attention's scale must be finite";
  return {};
}

int64_t attentionItems(std::span<const int64_t> params) {
  const Problem p(params);
  return p.batch * p.heads * p.queryBlocks();
}

size_t attentionScratchF32(std::span<const int64_t> params) {
  return scratchBytes<float>(params);
}
size_t attentionScratchBF16(std::span<const int64_t> params) {
  return scratchBytes<uint16_t>(params);
}
void attentionF32(const Isa& isa, const CallArgs& args, int64_t begin,
                  int64_t end, std::byte* scratch) {
  run<float>(isa, args, begin, end, scratch);
}
void attentionBF16(const Isa& isa, const CallArgs& args, int64_t begin,
                   int64_t end, std::byte* scratch) {
  run<uint16_t>(isa, args, begin, end, scratch);
}

} // namespace burin::kernels
