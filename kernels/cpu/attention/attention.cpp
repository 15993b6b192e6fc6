// SPDX-License-Identifier: Apache-2.0
// Attention by blocks of keys with an online softmax, one query a lane.
//
// Everything is kept transposed, queries contiguous: with Q' [width][query]
// packed once, a block of keys gives
//   S [key][query]   = K Q'          rows of K are read where they lie
//   O'[width][query] = O' * rescale + V^T P
// and both products are the contraction's micro-kernel: K's rows are its rows,
// and V's columns are its rows with V's pitch as the step. So neither K nor V
// is copied, maximum and sum need no shuffles, and any width is as good as any
// other.
#include "kernels/cpu/attention/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "kernels/cpu/contract/geometry.h"
#include "kernels/cpu/scratch.h"

namespace burin::kernels {
namespace {

constexpr int64_t kQueryBlock = kTileColumns;
// Scores of a block, 96 x 64 floats, are half of a 48 KiB first-level cache.
constexpr int64_t kKeyBlock = 16 * kTileRows;

struct Problem {
  int64_t batch, queries, keys, heads, width;
  bool causal;
  double scale;

  explicit Problem(std::span<const int64_t> p)
      : batch(p[kAttentionBatch]), queries(p[kAttentionQueries]),
        keys(p[kAttentionKeys]), heads(p[kAttentionHeads]),
        width(p[kAttentionWidth]), causal(p[kAttentionCausal] != 0),
        scale(bitsToDouble(p[kAttentionScale])) {}

  int64_t queryBlocks() const { return divideUp(queries, kQueryBlock); }
};

template <typename T>
class Attention {
public:
  Attention(const Isa* isa, const CallArgs* args,
            std::span<const int64_t> params, Scratch& scratch)
      : isa_(isa), args_(args), p_(params) {
    query_ = scratch.take<float>(p_.width * kQueryBlock);
    out_ = scratch.take<float>(p_.width * kQueryBlock);
    scores_ = scratch.take<float>(kKeyBlock * kQueryBlock);
    maximum_ = scratch.take<float>(kQueryBlock);
    sum_ = scratch.take<float>(kQueryBlock);
    rescale_ = scratch.take<float>(kQueryBlock);
    keyRows_ = scratch.take<const float*>(kKeyBlock);
    valueColumns_ = scratch.take<const float*>(p_.width);
    if (kConverts) {
      keyBlock_ = scratch.take<float>(kKeyBlock * p_.width);
      valueBlock_ = scratch.take<float>(kKeyBlock * p_.width);
    }
  }

  void run(int64_t item) {
    const int64_t firstQuery = item % p_.queryBlocks() * kQueryBlock;
    const int64_t head = item / p_.queryBlocks() % p_.heads;
    const int64_t batch = item / p_.queryBlocks() / p_.heads;
    queries_ = std::min(kQueryBlock, p_.queries - firstQuery);
    columns_ = roundUp(queries_, kTileGranule);

    loadQueries(element(0, batch * p_.queries + firstQuery, head));
    std::fill_n(maximum_, columns_, -std::numeric_limits<float>::infinity());
    std::fill_n(sum_, columns_, 0.f);
    const int64_t visible =
        p_.causal ? std::min(p_.keys, firstQuery + queries_) : p_.keys;
    for (int64_t key = 0; key < visible; key += kKeyBlock)
      addKeys(batch * p_.keys, head, key, std::min(kKeyBlock, visible - key),
              firstQuery);
    storeQueries(batch * p_.queries + firstQuery, head);
  }

private:
  static constexpr bool kConverts = sizeof(T) == 2;

  T* element(int slice, int64_t row, int64_t head) const {
    const View& view = args_->slices[slice];
    return static_cast<T*>(view.data) + row * view.pitch + head * p_.width;
  }
  static float toFloat(T value) {
    if constexpr (kConverts)
      return bf16ToFloat(value);
    else
      return value;
  }

  // Packs Q' with the scale and the change of base to 2 folded in.
  void loadQueries(const T* q) {
    const float factor = static_cast<float>(p_.scale * std::numbers::log2e);
    for (int64_t i = 0; i < columns_; ++i) {
      const T* row = q + i * args_->slices[0].pitch;
      for (int64_t d = 0; d < p_.width; ++d)
        query_[d * columns_ + i] =
            i < queries_ ? toFloat(row[d]) * factor : 0.f;
    }
  }

  void addKeys(int64_t firstRow, int64_t head, int64_t key, int64_t count,
               int64_t firstQuery) {
    const int64_t step = locate(firstRow + key, head, count);
    const TileSegment keySegment = {keyRows_, 0, p_.width};
    multiply(keySegment, 1, count, query_, scores_, false);
    if (p_.causal)
      hideLaterKeys(key, count, firstQuery);
    isa_->softmax({scores_, count, columns_, maximum_, sum_, rescale_});
    if (key > 0)
      isa_->scaleRows(out_, p_.width, columns_, rescale_);
    const TileSegment valueSegment = {valueColumns_, 0, count};
    multiply(valueSegment, step, p_.width, scores_, out_, key > 0);
  }

  // Points at `count` keys and values; returns the step between values.
  int64_t locate(int64_t row, int64_t head, int64_t count) {
    const T* k = element(1, row, head);
    const T* v = element(2, row, head);
    const int64_t keyPitch = args_->slices[1].pitch;
    const int64_t valuePitch = args_->slices[2].pitch;
    if constexpr (kConverts) {
      for (int64_t i = 0; i < count; ++i) {
        isa_->expandRow(k + i * keyPitch, keyBlock_ + i * p_.width, p_.width);
        isa_->expandRow(v + i * valuePitch, valueBlock_ + i * p_.width,
                        p_.width);
        keyRows_[i] = keyBlock_ + i * p_.width;
      }
      for (int64_t d = 0; d < p_.width; ++d)
        valueColumns_[d] = valueBlock_ + d;
      return p_.width;
    } else {
      for (int64_t i = 0; i < count; ++i)
        keyRows_[i] = k + i * keyPitch;
      for (int64_t d = 0; d < p_.width; ++d)
        valueColumns_[d] = v + d;
      return valuePitch;
    }
  }

  void multiply(const TileSegment& segment, int64_t step, int64_t rows,
                const float* panel, float* to, bool accumulate) {
    TileArgs tile = {&segment, 1, 0, step, panel, to, columns_, accumulate};
    for (; tile.firstRow < rows; tile.firstRow += kTileRows) {
      const int64_t height = std::min(kTileRows, rows - tile.firstRow);
      isa_->tile[height - 1][columns_ / kTileGranule - 1](tile);
      tile.tile += kTileRows * columns_;
    }
  }

  void hideLaterKeys(int64_t key, int64_t count, int64_t firstQuery) {
    for (int64_t i = std::max<int64_t>(0, firstQuery + 1 - key); i < count; ++i)
      for (int64_t q = 0; q < columns_ && firstQuery + q < key + i; ++q)
        scores_[i * columns_ + q] = -std::numeric_limits<float>::infinity();
  }

  void storeQueries(int64_t row, int64_t head) {
    for (int64_t i = 0; i < queries_; ++i) {
      const float factor = 1.f / sum_[i];
      T* to = element(3, row + i, head);
      for (int64_t d = 0; d < p_.width; ++d) {
        const float value = out_[d * columns_ + i] * factor;
        if constexpr (kConverts)
          to[d] = floatToBf16(value);
        else
          to[d] = value;
      }
    }
  }

  const Isa* isa_;
  const CallArgs* args_;
  Problem p_;
  int64_t queries_ = 0; // of the current block
  int64_t columns_ = 0; // the same, rounded up to whole vectors
  float* query_;        // [width][columns], scaled
  float* out_;          // [width][columns], not yet divided by the sum
  float* scores_;       // [key][columns]
  float* maximum_;
  float* sum_;
  float* rescale_;
  const float** keyRows_;
  const float** valueColumns_;
  float* keyBlock_ = nullptr; // bf16: keys and values in float32
  float* valueBlock_ = nullptr;
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
  for (int64_t item = begin; item < end; ++item)
    attention.run(item);
}

} // namespace

std::string_view checkAttention(std::span<const int64_t> params) {
  for (int i = 0; i <= kAttentionWidth; ++i)
    if (params[i] < 1 || params[i] > INT32_MAX)
      return "attention's sizes must be positive and below 2^31";
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
