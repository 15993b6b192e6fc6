// SPDX-License-Identifier: Apache-2.0
// The gradients of attention by blocks of keys and strips of 64 queries; no
// matrix of scores exists. With P = softmax(scale Q K^T), Y = P V and
// D_i = sum_d dY_id Y_id:
//   dV = P^T dY,  dS = P * (dY V^T - D),  dQ = scale dS K,  dK = scale dS^T Q
//
// As in attention.cpp scores lie [key][query], and every product is the
// contraction's micro-kernel:
//   S  [key][query]   = K Q'         rows are keys
//   dP [key][query]   = V dY'        rows are keys
//   dQ'[width][query] += K^T dS      rows are columns of K, a step is a row
//   dV [key][width]   += P dY        rows are keys, a step is a query
//   dK [key][width]   += dS Q        the same
// A strip first passes over all keys for the maximum and the sum of each query
// and then again for the gradients. An item is one head of one sample, which
// keeps its dK and dV in scratch: so sums are in one order.
#include "kernels/cpu/attention_gradient/attention_gradient.h"

#include <algorithm>
#include <limits>
#include <numbers>

#include "kernels/cpu/attention/problem.h"
#include "kernels/cpu/contract/geometry.h"
#include "kernels/cpu/scratch.h"

namespace burin::kernels {
namespace {

// Two blocks of 96 x 64 floats fill a 48 KiB first-level cache; they alternate
// with operands that the second level feeds.
constexpr int64_t kKeyBlock = 16 * kTileRows;

enum Slice : int { kQ, kK, kV, kY, kDY, kDQ, kDK, kDV };

struct Problem : AttentionProblem {
  using AttentionProblem::AttentionProblem;

  // The width with zeros up to whole vectors.
  int64_t padded() const { return roundUp(width, kTileGranule); }
};

template <typename T>
class AttentionGradient {
public:
  AttentionGradient(const Isa* isa, const CallArgs* args,
                    std::span<const int64_t> params, Scratch& scratch)
      : isa_(isa), args_(args), p_(params) {
    const auto strip = [&] { return scratch.take<float>(kTileColumns); };
    const auto block = [&](int64_t rows, int64_t columns) {
      return scratch.take<float>(rows * columns);
    };
    query_ = block(p_.width, kTileColumns);
    cotangent_ = block(p_.width, kTileColumns);
    dQuery_ = block(p_.width, kTileColumns);
    queryRows_ = block(kTileColumns, p_.padded());
    cotangentRows_ = block(kTileColumns, p_.padded());
    row_ = scratch.take<float>(p_.width);
    maximum_ = strip();
    sum_ = strip();
    inner_ = strip();
    rescale_ = strip();
    scores_ = block(kKeyBlock, kTileColumns);
    products_ = block(kKeyBlock, kTileColumns);
    keys_ = block(kKeyBlock, p_.width);
    values_ = block(kKeyBlock, p_.width);
    dKeys_ = block(p_.keys, p_.padded());
    dValues_ = block(p_.keys, p_.padded());
    keyRows_ = scratch.take<const float*>(kKeyBlock);
    valueRows_ = scratch.take<const float*>(kKeyBlock);
    keyColumns_ = scratch.take<const float*>(p_.width);
    scoreRows_ = scratch.take<const float*>(kKeyBlock);
    productRows_ = scratch.take<const float*>(kKeyBlock);
  }

  void prepare() {
    for (int64_t i = 0; i < kKeyBlock; ++i) {
      keyRows_[i] = keys_ + i * p_.width;
      valueRows_[i] = values_ + i * p_.width;
    }
    for (int64_t d = 0; d < p_.width; ++d)
      keyColumns_[d] = keys_ + d;
  }

  void run(int64_t item) {
    head_ = item % p_.heads;
    batch_ = item / p_.heads;
    loadedKeys_ = loadedValues_ = -1;
    std::fill_n(dKeys_, p_.keys * p_.padded(), 0.f);
    std::fill_n(dValues_, p_.keys * p_.padded(), 0.f);
    for (int64_t first = 0; first < p_.queries; first += kTileColumns)
      runStrip(first);
    storeRows(kDK, dKeys_, static_cast<float>(p_.scale));
    storeRows(kDV, dValues_, 1.f);
  }

private:
  T* element(int slice, int64_t row) const {
    const View& view = args_->slices[slice];
    return static_cast<T*>(view.data) + row * view.pitch + head_ * p_.width;
  }
  const T* queryElement(int slice, int64_t query) const {
    return element(slice, batch_ * p_.queries + query);
  }

  void runStrip(int64_t first) {
    first_ = first;
    count_ = std::min(kTileColumns, p_.queries - first);
    columns_ = roundUp(count_, kTileGranule);
    openStrip();
    const int64_t visible =
        p_.causal ? std::min(p_.keys, first + count_) : p_.keys;
    for (int64_t key = 0; key < visible; key += kKeyBlock)
      gatherSums(key, std::min(kKeyBlock, visible - key));
    for (int64_t i = 0; i < columns_; ++i)
      sum_[i] = 1.f / sum_[i];
    for (int64_t key = 0; key < visible; key += kKeyBlock)
      addGradients(key, std::min(kKeyBlock, visible - key),
                   visible > kKeyBlock);
    closeStrip();
  }

  // Brings the strip's queries, results and cotangents into the forms above.
  void openStrip() {
    const float factor = static_cast<float>(p_.scale * std::numbers::log2e);
    for (int64_t i = 0; i < columns_; ++i) {
      const bool real = i < count_;
      takeRow(kQ, i, real, query_, factor, queryRows_);
      takeRow(kDY, i, real, cotangent_, 1.f, cotangentRows_);
      inner_[i] = real ? innerProduct(i) : 0.f;
    }
    std::fill_n(maximum_, columns_, -std::numeric_limits<float>::infinity());
    std::fill_n(sum_, columns_, 0.f);
  }

  // Query `i` of the strip: as a column of `across`, times `factor`, and as a
  // row of the panels `along`.
  void takeRow(int slice, int64_t i, bool real, float* across, float factor,
               float* along) {
    if (real)
      widen(queryElement(slice, first_ + i), row_);
    else
      std::fill_n(row_, p_.width, 0.f);
    for (int64_t d = 0; d < p_.width; ++d)
      across[d * columns_ + i] = row_[d] * factor;
    for (int64_t d = 0; d < p_.padded(); d += kPanelColumns) {
      const int64_t columns = std::min(kPanelColumns, p_.padded() - d);
      const int64_t there = std::min(columns, p_.width - d);
      float* to = along + d * kTileColumns + i * columns;
      std::copy_n(row_ + d, there, to);
      std::fill_n(to + there, columns - there, 0.f);
    }
  }

  // D of a query; row_ holds its cotangents.
  float innerProduct(int64_t i) {
    const T* y = queryElement(kY, first_ + i);
    float sums[8] = {};
    for (int64_t d = 0; d < p_.width; ++d)
      sums[d % 8] += row_[d] * toFloat(y[d]);
    return ((sums[0] + sums[1]) + (sums[2] + sums[3])) +
           ((sums[4] + sums[5]) + (sums[6] + sums[7]));
  }

  // Whole blocks, of which a causal strip may see a part: the next strip sees
  // more.
  void loadKeys(int64_t key) {
    if (loadedKeys_ != key)
      copyBlock(kK, key, keys_);
    loadedKeys_ = key;
  }
  void loadValues(int64_t key) {
    if (loadedValues_ != key)
      copyBlock(kV, key, values_);
    loadedValues_ = key;
  }

  void computeScores(int64_t key, int64_t count) {
    multiply({keyRows_, 0, p_.width}, 1, count, columns_, query_, scores_,
             columns_, false);
    for (int64_t i = std::max<int64_t>(0, first_ + 1 - key);
         p_.causal && i < count; ++i)
      std::fill_n(scores_ + i * columns_, std::min(columns_, key + i - first_),
                  -std::numeric_limits<float>::infinity());
  }

  // Leaves the scores of the last block as they are.
  void gatherSums(int64_t key, int64_t count) {
    loadKeys(key);
    computeScores(key, count);
    std::copy_n(scores_, count * columns_, products_);
    isa_->softmax({products_, count, columns_, maximum_, sum_, rescale_});
  }

  void addGradients(int64_t key, int64_t count, bool again) {
    loadKeys(key);
    loadValues(key);
    if (again)
      computeScores(key, count);
    multiply({valueRows_, 0, p_.width}, 1, count, columns_, cotangent_,
             products_, columns_, false);
    isa_->softmaxGradient(
        {scores_, products_, count, columns_, maximum_, sum_, inner_});
    multiply({keyColumns_, 0, count}, p_.width, p_.width, columns_, products_,
             dQuery_, columns_, key > 0);
    for (int64_t i = 0; i < count; ++i) {
      scoreRows_[i] = scores_ + i * columns_;
      productRows_[i] = products_ + i * columns_;
    }
    addToKeys(scoreRows_, count, cotangentRows_, dValues_ + key * p_.padded());
    addToKeys(productRows_, count, queryRows_, dKeys_ + key * p_.padded());
  }

  // sums[key][width] += rows[key][query] * panels[query][width].
  void addToKeys(const float* const* rows, int64_t count, const float* panels,
                 float* sums) {
    for (int64_t d = 0; d < p_.padded(); d += kPanelColumns) {
      const int64_t columns = std::min(kPanelColumns, p_.padded() - d);
      multiply({rows, 0, count_}, 1, count, columns, panels + d * kTileColumns,
               sums + d, p_.padded(), true);
    }
  }

  void multiply(const TileSegment& segment, int64_t step, int64_t rows,
                int64_t columns, const float* panel, float* to, int64_t ld,
                bool accumulate) const {
    isa_->multiply[columns / kTileGranule - 1](
        {&segment, 1, rows, step, panel, to, ld, accumulate});
  }

  void closeStrip() {
    const float factor = static_cast<float>(p_.scale);
    for (int64_t i = 0; i < count_; ++i) {
      T* row = element(kDQ, batch_ * p_.queries + first_ + i);
      for (int64_t d = 0; d < p_.width; ++d)
        row[d] = fromFloat<T>(dQuery_[d * columns_ + i] * factor);
    }
  }

  void storeRows(int slice, const float* sums, float factor) {
    for (int64_t i = 0; i < p_.keys; ++i, sums += p_.padded()) {
      T* row = element(slice, batch_ * p_.keys + i);
      for (int64_t d = 0; d < p_.width; ++d)
        row[d] = fromFloat<T>(sums[d] * factor);
    }
  }

  void copyBlock(int slice, int64_t key, float* to) const {
    const int64_t count = std::min(kKeyBlock, p_.keys - key);
    for (int64_t i = 0; i < count; ++i, to += p_.width)
      widen(element(slice, batch_ * p_.keys + key + i), to);
  }

  void widen(const T* from, float* to) const {
    if constexpr (sizeof(T) == 2)
      isa_->expandRow(from, to, p_.width);
    else
      std::copy_n(from, p_.width, to);
  }
  const Isa* isa_;
  const CallArgs* args_;
  Problem p_;
  int64_t batch_ = 0, head_ = 0;
  int64_t first_ = 0, count_ = 0; // queries of the strip
  int64_t columns_ = 0;           // the count rounded up to whole vectors
  float* query_;                  // [width][columns], scaled
  float* cotangent_;              // [width][columns]
  float* dQuery_;                 // [width][columns]
  float* queryRows_;              // [64 columns of the width][query][64]
  float* cotangentRows_;
  float* row_;
  float *maximum_, *sum_, *inner_, *rescale_; // of each query
  float* scores_;                             // [key][columns]: S, then P
  float* products_;                           // [key][columns]: dP, then dS
  float* keys_;                               // [key][width]
  float* values_;
  int64_t loadedKeys_ = -1, loadedValues_ = -1; // the first key there
  float* dKeys_;                                // [all keys][padded width]
  float* dValues_;
  const float **keyRows_, **valueRows_, **keyColumns_;
  const float **scoreRows_, **productRows_;
};

template <typename T>
size_t scratchBytes(std::span<const int64_t> params) {
  Scratch scratch;
  AttentionGradient<T>(nullptr, nullptr, params, scratch);
  return scratch.used();
}

template <typename T>
void run(const Isa& isa, const CallArgs& args, int64_t begin, int64_t end,
         std::byte* memory) {
  Scratch scratch(memory);
  AttentionGradient<T> gradient(&isa, &args, args.params, scratch);
  gradient.prepare();
  for (int64_t item = begin; item < end; ++item)
    gradient.run(item);
}

} // namespace

int64_t attentionGradientItems(std::span<const int64_t> params) {
  const Problem p(params);
  return p.batch * p.heads;
}

size_t attentionGradientScratchF32(std::span<const int64_t> params) {
  return scratchBytes<float>(params);
}
size_t attentionGradientScratchBF16(std::span<const int64_t> params) {
  return scratchBytes<uint16_t>(params);
}
void attentionGradientF32(const Isa& isa, const CallArgs& args, int64_t begin,
                          int64_t end, std::byte* scratch) {
  run<float>(isa, args, begin, end, scratch);
}
void attentionGradientBF16(const Isa& isa, const CallArgs& args, int64_t begin,
                           int64_t end, std::byte* scratch) {
  run<uint16_t>(isa, args, begin, end, scratch);
}

} // namespace burin::kernels
