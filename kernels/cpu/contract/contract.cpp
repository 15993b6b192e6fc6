// SPDX-License-Identifier: Apache-2.0
// Blocking around the micro-kernel: items, pieces of the inner dimension, row
// pointers, epilogue.
//
// An item is a block of rows times a group of panels. It walks the inner
// dimension in pieces; for each, the micro-kernel passes over all rows of the
// block while the piece of the panel stays in the first-level cache and the
// following one is fetched. Panels vary fastest over items, so that a thread
// reads the packed weights as one stream and keeps its rows in the
// second-level cache.
//
// A convolution that folds (contracts.h) runs as four, one for each phase, on
// the rows of its input.
#include "kernels/cpu/contract/contract.h"

#include <cstring>

#include "kernels/cpu/contract/geometry.h"
#include "kernels/cpu/contract/row_table.h"
#include "kernels/cpu/limits.h"
#include "kernels/cpu/scratch.h"

namespace burin::kernels {
namespace {

// bf16 rows are expanded to float32 piece by piece; a group of panels shares
// that work.
constexpr int64_t kGroupPanelsBF16 = 4;

template <typename T>
class Contraction {
public:
  static constexpr DType kType = sizeof(T) == 2 ? DType::kBF16 : DType::kF32;

  Contraction(const Isa* isa, const CallArgs* args,
              std::span<const int64_t> params, Scratch& scratch)
      : isa_(isa), args_(args), folds_(contractFolds(params, kType)),
        g_(folds_ ? Geometry(params).foldedPhase(0) : Geometry(params)),
        block_(g_.rowBlock()),
        gathers_(kType == DType::kF32 && g_.channels < kFewChannels &&
                 g_.taps() > 1) {
    sums_ =
        scratch.take<float>(phases() * groupPanels() * block_ * kPanelColumns);
    zeros_ = scratch.take<T>(g_.channels);
    tables_ = scratch.take<const T*>(phases() * block_ * g_.taps());
    segments_ = scratch.take<TileSegment>(g_.piece(kType) / g_.run(kType) + 2);
    if (gathers_ || kType == DType::kBF16) {
      const int64_t width = gathers_ ? g_.depth(kType) : g_.piece(kType);
      flat_ = scratch.take<float>(block_ * width);
      flatRows_ = scratch.take<const float*>(block_);
    }
    if (kType == DType::kBF16)
      panel_ = scratch.take<float>(g_.piece(kType) * kPanelColumns);
  }

  static int64_t groupPanels() {
    return kType == DType::kBF16 ? kGroupPanelsBF16 : 1;
  }
  int64_t groups() const { return divideUp(g_.panels(), groupPanels()); }
  int64_t items() const { return g_.rowBlocks() * groups(); }

  void run(int64_t begin, int64_t end) {
    std::memset(zeros_, 0, g_.channels * sizeof(T));
    int64_t inTable = -1;
    for (int64_t item = begin; item < end; ++item) {
      if (item / groups() != inTable) {
        inTable = item / groups();
        enterRows(inTable * block_);
      }
      runGroup(item % groups() * groupPanels());
    }
  }

private:
  int64_t phases() const { return folds_ ? 4 : 1; }

  void enterRows(int64_t firstRow) {
    firstRow_ = firstRow;
    rows_ = std::min(block_, g_.rows() - firstRow);
    const View& input = args_->slices[0];
    for (int64_t phase = 0; phase < phases(); ++phase)
      fillRowTable<T>(folds_ ? g_.foldedPhase(phase) : g_,
                      static_cast<const T*>(input.data), input.pitch, zeros_,
                      firstRow, rows_, block_,
                      tables_ + phase * block_ * g_.taps());
    enterPhase(0);
  }

  void enterPhase(int64_t phase) {
    table_ = tables_ + phase * block_ * g_.taps();
    weights_ = static_cast<const T*>(args_->slices[1].data) +
               phase * g_.depth(kType) * roundUp(g_.outChannels, kPanelGranule);
    if (gathers_)
      gatherRows();
  }

  // Copies the taps of each row side by side.
  void gatherRows() {
    const int64_t width = g_.depth(kType);
    for (int64_t i = 0; i < rows_; ++i) {
      float* to = flat_ + i * width;
      flatRows_[i] = to;
      for (int64_t t = 0; t < g_.taps(); ++t, to += g_.channels)
        std::memcpy(to, table_[t * block_ + i], g_.channels * sizeof(float));
    }
  }

  void runGroup(int64_t firstPanel) {
    if (folds_) {
      // [y phase][row][x phase]: what is neighbours in the output stays so.
      for (int64_t phase = 0; phase < phases(); ++phase) {
        enterPhase(phase);
        const int64_t first = phase / 2 * 2 * block_ + phase % 2;
        multiplyPanels(firstPanel, 1, sums_ + first * kPanelColumns,
                       2 * kPanelColumns);
      }
      handOverFolded(firstPanel);
      return;
    }
    const int64_t panels = std::min(groupPanels(), g_.panels() - firstPanel);
    multiplyPanels(firstPanel, panels, sums_, kPanelColumns);
    for (int64_t p = 0; p < panels; ++p)
      handOver(firstPanel + p, sums_ + p * block_ * kPanelColumns, firstRow_,
               rows_);
  }

  void handOver(int64_t panel, const float* sums, int64_t row, int64_t rows) {
    const int64_t column = panel * kPanelColumns;
    args_->epilogue(args_->epilogueSlices, sums, kPanelColumns, row, rows,
                    column, std::min(kPanelColumns, g_.outChannels - column));
  }

  // Each stretch of an input line makes a stretch, twice as long, of two
  // output lines.
  void handOverFolded(int64_t panel) {
    const int64_t width = g_.outWidth;
    for (int64_t i = 0; i < rows_;) {
      const int64_t x = (firstRow_ + i) % width;
      const int64_t line = (firstRow_ + i) / width; // of all images
      const int64_t count = std::min(width - x, rows_ - i);
      for (int64_t y = 0; y < 2; ++y)
        handOver(panel, sums_ + (y * block_ + i) * 2 * kPanelColumns,
                 (2 * line + y) * 2 * width + 2 * x, 2 * count);
      i += count;
    }
  }

  void multiplyPanels(int64_t firstPanel, int64_t panels, float* sums,
                      int64_t ld) {
    const int64_t depth = g_.depth(kType);
    const int64_t piece = g_.piece(kType);
    for (int64_t from = 0; from < depth; from += piece) {
      const int64_t to = std::min(depth, from + piece);
      const int64_t count = segmentsOf(from, to);
      for (int64_t p = 0; p < panels; ++p)
        multiply(firstPanel + p, sums + p * block_ * kPanelColumns, ld, from,
                 to, count);
    }
  }

  // Describes steps [from, to) as stretches of input rows; returns how many.
  int64_t segmentsOf(int64_t from, int64_t to) {
    if (gathers_) {
      segments_[0] = {flatRows_, from, to - from};
      return 1;
    }
    if constexpr (kType == DType::kBF16) {
      expandRows(from, to);
      segments_[0] = {flatRows_, 0, to - from};
      return 1;
    } else {
      int64_t count = 0;
      while (from < to) {
        const int64_t tap = from / g_.channels;
        const int64_t channel = from % g_.channels;
        const int64_t steps = std::min(to - from, g_.channels - channel);
        segments_[count++] = {table_ + tap * block_, channel, steps};
        from += steps;
      }
      return count;
    }
  }

  // Steps [from, to) of every row as float32; a run of odd length ends in 0.
  void expandRows(int64_t from, int64_t to) {
    const int64_t run = g_.run(kType);
    for (int64_t i = 0; i < rows_; ++i) {
      float* out = flat_ + i * (to - from);
      flatRows_[i] = out;
      for (int64_t at = from; at < to;) {
        const int64_t channel = at % run;
        const int64_t steps = std::min(to - at, run - channel);
        const int64_t real = std::min(steps, g_.channels - channel);
        const T* row = table_[at / run * block_ + i];
        if constexpr (kType == DType::kBF16)
          isa_->expandRow(row + channel, out, real);
        if (real < steps)
          out[real] = 0;
        out += steps;
        at += steps;
      }
    }
  }

  void multiply(int64_t panel, float* sums, int64_t ld, int64_t from,
                int64_t to, int64_t segmentCount) {
    const int64_t columns = g_.panelColumns(panel);
    const T* weights = weights_ + g_.depth(kType) * kPanelColumns * panel;
    const float* values;
    if constexpr (kType == DType::kBF16) {
      isa_->expandPairs(weights + from * columns, panel_, (to - from) / 2,
                        columns);
      values = panel_;
    } else {
      values = weights + from * columns;
    }
    const int64_t bytes = (to - from) * columns * sizeof(T);
    isa_->multiply[columns / kTileGranule - 1]({segments_, segmentCount, rows_,
                                                1, values, sums, ld, from > 0,
                                                weights + to * columns, bytes});
  }

  const Isa* isa_;
  const CallArgs* args_;
  bool folds_;
  Geometry g_; // of each phase where it folds
  int64_t block_;
  bool gathers_;
  int64_t firstRow_ = 0, rows_ = 0;
  float* sums_;                // [panel of the group][row][kPanelColumns]
  T* zeros_;                   // what positions outside the input read
  const T** tables_;           // [phase][tap][row]
  const T** table_ = nullptr;  // of the current phase
  const T* weights_ = nullptr; // the same
  TileSegment* segments_;      // of the current piece
  float* flat_ = nullptr;      // [row][step], where rows are copied
  const float** flatRows_ = nullptr;
  float* panel_ = nullptr; // the current piece of a bf16 panel
};

template <typename T>
size_t scratchBytes(std::span<const int64_t> params) {
  Scratch scratch;
  Contraction<T>(nullptr, nullptr, params, scratch);
  return scratch.used();
}

template <typename T>
int64_t itemCount(std::span<const int64_t> params) {
  Scratch scratch;
  return Contraction<T>(nullptr, nullptr, params, scratch).items();
}

template <typename T>
void run(const Isa& isa, const CallArgs& args, int64_t begin, int64_t end,
         std::byte* memory) {
  Scratch scratch(memory);
  Contraction<T>(&isa, &args, args.params, scratch).run(begin, end);
}

} // namespace

std::string_view checkContract(std::span<const int64_t> params) {
  for (int i = 0; i < kContractParamCount; ++i) {
    const bool padding = i == kContractPadTop || i == kContractPadLeft;
    if (params[i] < (padding ? 0 : 1))
      return "a contraction's sizes must be positive, its padding not negative";
    if (params[i] > INT32_MAX)
      return "a contraction's sizes must be below 2^31";
  }
  const Geometry g(params);
  if (!fitsMemory({g.batch, g.outHeight, g.outWidth, g.outChannels}) ||
      !fitsMemory({g.batch, g.inHeight, g.inWidth, g.channels}) ||
      !fitsMemory({g.channels, g.kernelHeight, g.kernelWidth, g.outChannels}))
    return "a contraction's operands must have at most 2^40 elements";
  return {};
}

int64_t contractItemsF32(std::span<const int64_t> params) {
  return itemCount<float>(params);
}
int64_t contractItemsBF16(std::span<const int64_t> params) {
  return itemCount<uint16_t>(params);
}
size_t contractScratchF32(std::span<const int64_t> params) {
  return scratchBytes<float>(params);
}
size_t contractScratchBF16(std::span<const int64_t> params) {
  return scratchBytes<uint16_t>(params);
}
void contractF32(const Isa& isa, const CallArgs& args, int64_t begin,
                 int64_t end, std::byte* scratch) {
  run<float>(isa, args, begin, end, scratch);
}
void contractBF16(const Isa& isa, const CallArgs& args, int64_t begin,
                  int64_t end, std::byte* scratch) {
  run<uint16_t>(isa, args, begin, end, scratch);
}

} // namespace burin::kernels
