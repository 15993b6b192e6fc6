// SPDX-License-Identifier: Apache-2.0
// dW = dY^T X by the contraction's micro-kernel, without a transposed copy and
// without a copy of each tap.
//
// The inner dimension is the output positions, in pieces of 128. Rows of the
// product are output channels: the micro-kernel walks a column of dY with the
// pitch as its step. Columns of the product are n = (tap, channel), 64 to a
// panel; a piece of a panel, what 128 positions meet under a tap, is copied
// together first and then used for all rows of the item. An item is a block of
// output channels times a group of panels, so the cut and the order of every
// sum depend on the shape alone.
#include "kernels/cpu/weight_gradient/weight_gradient.h"

#include <algorithm>
#include <cstring>

#include "kernels/cpu/contract/geometry.h"
#include "kernels/cpu/scratch.h"

namespace burin::kernels {
namespace {

// bf16 columns of dY are expanded piece by piece; a group of panels shares it.
constexpr int64_t kGroupPanelsBF16 = 4;
// So many items are enough for any number of threads; with fewer, items are
// made smaller, but not below this number of rows.
constexpr int64_t kEnoughItems = 16;
constexpr int64_t kFewRows = 4 * kTileRows;

template <typename T>
class WeightGradient {
public:
  WeightGradient(const Isa* isa, const CallArgs* args,
                 std::span<const int64_t> params, Scratch& scratch)
      : isa_(isa), args_(args), g_(params), columns_(g_.taps() * g_.channels),
        panels_(divideUp(columns_, kPanelColumns)) {
    chooseItems();
    sums_ = scratch.take<float>(group_ * block_ * kPanelColumns);
    panel_ = scratch.take<float>(kDepthBlock * kPanelColumns);
    rows_ = scratch.take<const float*>(block_);
    if constexpr (sizeof(T) == 2)
      wide_ = scratch.take<float>(kDepthBlock * block_);
  }

  int64_t groups() const { return divideUp(panels_, group_); }
  int64_t items() const { return divideUp(g_.outChannels, block_) * groups(); }

  void run(int64_t item) {
    const int64_t first = item / groups() * block_;
    const int64_t count = std::min(block_, g_.outChannels - first);
    const int64_t firstPanel = item % groups() * group_;
    const int64_t panels = std::min(group_, panels_ - firstPanel);
    const int64_t depth = g_.rows();
    for (int64_t from = 0; from < depth; from += kDepthBlock) {
      const int64_t steps = std::min(kDepthBlock, depth - from);
      const int64_t step = enterRows(first, count, from, steps);
      const TileSegment segment{rows_, 0, steps};
      for (int64_t p = 0; p < panels; ++p) {
        const int64_t columns = panelColumns(firstPanel + p);
        copyPanel(firstPanel + p, from, steps, columns);
        isa_->multiply[columns / kTileGranule - 1](
            {&segment, 1, count, step, panel_,
             sums_ + p * block_ * kPanelColumns, kPanelColumns, from > 0});
      }
    }
    for (int64_t p = 0; p < panels; ++p)
      storePanel(firstPanel + p, first, count,
                 sums_ + p * block_ * kPanelColumns);
  }

private:
  void chooseItems() {
    const int64_t blocks = divideUp(g_.outChannels, kRowBlock);
    block_ = roundUp(divideUp(g_.outChannels, blocks), kTileRows);
    group_ = sizeof(T) == 2 ? kGroupPanelsBF16 : 1;
    while (items() < kEnoughItems && group_ > 1)
      group_ /= 2;
    while (items() < kEnoughItems && block_ >= 2 * kFewRows)
      block_ = roundUp(divideUp(block_, 2), kTileRows);
  }

  int64_t panelColumns(int64_t panel) const {
    const int64_t left = columns_ - panel * kPanelColumns;
    return std::min(kPanelColumns, roundUp(left, kPanelGranule));
  }

  // Points rows_ at dY's columns from `first` on and returns their step.
  int64_t enterRows(int64_t first, int64_t count, int64_t from, int64_t steps) {
    const View& view = args_->slices[1];
    const T* dy = static_cast<const T*>(view.data) + from * view.pitch + first;
    const float* base;
    int64_t step;
    if constexpr (sizeof(T) == 2) {
      for (int64_t i = 0; i < steps; ++i)
        isa_->expandRow(dy + i * view.pitch, wide_ + i * block_, count);
      base = wide_;
      step = block_;
    } else {
      base = dy;
      step = view.pitch;
    }
    for (int64_t r = 0; r < count; ++r)
      rows_[r] = base + r;
    return step;
  }

  // Fills panel_ [step][columns] with what output positions [from, from +
  // steps) meet.
  void copyPanel(int64_t panel, int64_t from, int64_t steps, int64_t columns) {
    int64_t column = panel * kPanelColumns;
    const int64_t end = std::min(columns_, column + columns);
    int64_t at = 0;
    while (column < end) {
      const int64_t channel = column % g_.channels;
      const int64_t count = std::min(end - column, g_.channels - channel);
      copyTap(column / g_.channels, channel, count, from, steps, panel_ + at,
              columns);
      column += count;
      at += count;
    }
    for (int64_t i = 0; at < columns && i < steps; ++i)
      std::fill_n(panel_ + i * columns + at, columns - at, 0.f);
  }

  // Channels [channel, channel + count) of what one tap meets, to rows `ld`
  // apart.
  void copyTap(int64_t tap, int64_t channel, int64_t count, int64_t from,
               int64_t steps, float* to, int64_t ld) {
    const View& view = args_->slices[0];
    const int64_t ky = tap / g_.kernelWidth, kx = tap % g_.kernelWidth;
    for (int64_t i = 0; i < steps;) {
      // One line of the output, or what is left of it.
      const int64_t outX = (from + i) % g_.outWidth;
      const int64_t outLine = (from + i) / g_.outWidth;
      const int64_t end = std::min(steps, i + g_.outWidth - outX);
      const int64_t y = outLine % g_.outHeight * g_.stride + ky - g_.padTop;
      const int64_t image = outLine / g_.outHeight;
      const bool inside = y >= 0 && y < g_.inHeight * g_.upsample;
      const T* line = static_cast<const T*>(view.data) + channel;
      if (inside)
        line +=
            (image * g_.inHeight + y / g_.upsample) * g_.inWidth * view.pitch;
      int64_t x = outX * g_.stride + kx - g_.padLeft;
      for (; i < end; ++i, x += g_.stride, to += ld) {
        if (inside && x >= 0 && x < g_.inWidth * g_.upsample)
          copyRow(line + column(x) * view.pitch, to, count);
        else
          std::fill_n(to, count, 0.f);
      }
    }
  }

  int64_t column(int64_t x) const {
    return g_.upsample == 1 ? x : x / g_.upsample;
  }

  void copyRow(const T* from, float* to, int64_t count) const {
    if constexpr (sizeof(T) == 2)
      isa_->expandRow(from, to, count);
    else if (count == kPanelColumns)
      std::memcpy(to, from, kPanelColumns * sizeof(float));
    else
      std::memcpy(to, from, count * sizeof(float));
  }

  void storePanel(int64_t panel, int64_t first, int64_t count,
                  const float* sums) {
    const View& view = args_->slices[2];
    auto* out = static_cast<float*>(view.data);
    const int64_t plane = g_.kernelHeight * view.pitch; // of one channel
    const auto placeOf = [&](int64_t tap) {
      return tap / g_.kernelWidth * view.pitch + tap % g_.kernelWidth;
    };
    const int64_t begin = panel * kPanelColumns;
    const int64_t end = std::min(columns_, begin + kPanelColumns);
    for (int64_t r = 0; r < count; ++r, sums += kPanelColumns) {
      float* row = out + (first + r) * g_.channels * plane;
      int64_t tap = begin / g_.channels, channel = begin % g_.channels;
      int64_t place = placeOf(tap);
      for (int64_t n = begin; n < end; ++n) {
        row[channel * plane + place] = sums[n - begin];
        if (++channel == g_.channels) {
          channel = 0;
          place = placeOf(++tap);
        }
      }
    }
  }

  const Isa* isa_;
  const CallArgs* args_;
  Geometry g_;
  int64_t columns_; // of the product
  int64_t panels_;
  int64_t block_ = 0; // output channels of an item
  int64_t group_ = 0; // panels of an item
  float* sums_;       // [panel of the group][row][kPanelColumns]
  float* panel_;      // [step][column]
  const float** rows_;
  float* wide_ = nullptr; // [step][row], of bf16
};

template <typename T>
size_t scratchBytes(std::span<const int64_t> params) {
  Scratch scratch;
  WeightGradient<T>(nullptr, nullptr, params, scratch);
  return scratch.used();
}

template <typename T>
int64_t itemCount(std::span<const int64_t> params) {
  Scratch scratch;
  return WeightGradient<T>(nullptr, nullptr, params, scratch).items();
}

template <typename T>
void run(const Isa& isa, const CallArgs& args, int64_t begin, int64_t end,
         std::byte* memory) {
  Scratch scratch(memory);
  WeightGradient<T> gradient(&isa, &args, args.params, scratch);
  for (int64_t item = begin; item < end; ++item)
    gradient.run(item);
}

} // namespace

int64_t weightGradientItemsF32(std::span<const int64_t> params) {
  return itemCount<float>(params);
}
int64_t weightGradientItemsBF16(std::span<const int64_t> params) {
  return itemCount<uint16_t>(params);
}
size_t weightGradientScratchF32(std::span<const int64_t> params) {
  return scratchBytes<float>(params);
}
size_t weightGradientScratchBF16(std::span<const int64_t> params) {
  return scratchBytes<uint16_t>(params);
}
void weightGradientF32(const Isa& isa, const CallArgs& args, int64_t begin,
                       int64_t end, std::byte* scratch) {
  run<float>(isa, args, begin, end, scratch);
}
void weightGradientBF16(const Isa& isa, const CallArgs& args, int64_t begin,
                        int64_t end, std::byte* scratch) {
  run<uint16_t>(isa, args, begin, end, scratch);
}

} // namespace burin::kernels
