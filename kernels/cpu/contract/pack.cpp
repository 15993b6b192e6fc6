// SPDX-License-Identifier: Apache-2.0
// Turns weights into the column panels that a contraction streams: once, when
// a module is prepared, or before each use of weights that a step computes.
#include <algorithm>

#include "kernels/cpu/contract/contract.h"
#include "kernels/cpu/contract/geometry.h"
#include "kernels/cpu/convert.h"
#include "kernels/cpu/limits.h"
#include "kernels/cpu/scratch.h"

namespace burin::kernels {
namespace {

// An item is a stretch of channels of a panel: 64 rows of the weights, each
// read as `kChannelBlock * taps` neighbours.
constexpr int64_t kChannelBlock = 32;

struct Weights {
  int64_t outChannels, channels, taps;
  DType dtype;
  bool folds;

  explicit Weights(std::span<const int64_t> p)
      : outChannels(p[kPackOutChannels]), channels(p[kPackChannels]),
        taps(p[kPackKernelHeight] * p[kPackKernelWidth]),
        dtype(static_cast<DType>(p[kPackSourceDType])),
        folds(p[kPackFolds] != 0) {}

  // Taps in memory, over all phases.
  int64_t packedTaps() const { return folds ? 16 : taps; }

  // Elements between the rows of `from`, each `extent` * taps of them: of a
  // linear layer's weights they may lie apart.
  int64_t rowPitch(const View& from, int64_t extent) const {
    return std::max(from.pitch, extent * taps);
  }

  int64_t panels() const { return divideUp(outChannels, kPanelColumns); }
  int64_t channelBlocks() const { return divideUp(channels, kChannelBlock); }
};

// Which taps of three meet the first and the second of two input elements, for
// an even and an odd output position.
constexpr int kMeets[2][2][2] = {{{0, 1}, {1, 3}}, {{0, 2}, {2, 3}}};

// The 3x3 kernel `from` as four 2x2 kernels, phase by phase.
void fold(const float* from, float* to) {
  for (int phase = 0; phase < 4; ++phase)
    for (int tap = 0; tap < 4; ++tap) {
      const auto& ys = kMeets[phase / 2][tap / 2];
      const auto& xs = kMeets[phase % 2][tap % 2];
      double sum = 0;
      for (int y = ys[0]; y < ys[1]; ++y)
        for (int x = xs[0]; x < xs[1]; ++x)
          sum += from[y * 3 + x];
      *to++ = static_cast<float>(sum);
    }
}

// Reads channels [c0, c0 + count) of up to 64 rows into block[column][c][tap];
// `row` has room for one of them.
void readBlock(const Weights& w, const View& from, int64_t panel, int64_t c0,
               int64_t count, int64_t columns, float* row, float* block) {
  const int64_t size = count * w.packedTaps();
  for (int64_t n = 0; n < columns; ++n, block += size) {
    const int64_t out = panel * kPanelColumns + n;
    if (out >= w.outChannels) {
      std::fill_n(block, size, 0.f);
      continue;
    }
    const int64_t first = out * w.rowPitch(from, w.channels) + c0 * w.taps;
    convertToFloat(w.dtype, from.data, first, count * w.taps,
                   w.folds ? row : block);
    for (int64_t c = 0; w.folds && c < count; ++c)
      fold(row + c * w.taps, block + c * w.packedTaps());
  }
}

// The same of transposed weights: rows are channels, of all outputs, and taps
// come in reverse.
void readTransposed(const Weights& w, const View& from, int64_t panel,
                    int64_t c0, int64_t count, int64_t columns, float* row,
                    float* block) {
  const int64_t size = count * w.packedTaps();
  const int64_t first = panel * kPanelColumns;
  const int64_t outputs = std::min(columns, w.outChannels - first);
  std::fill_n(block + outputs * size, (columns - outputs) * size, 0.f);
  for (int64_t c = 0; c < count; ++c) {
    convertToFloat(w.dtype, from.data,
                   (c0 + c) * w.rowPitch(from, w.outChannels) + first * w.taps,
                   outputs * w.taps, row);
    for (int64_t n = 0; n < outputs; ++n) {
      float* taps = row + n * w.taps;
      float* to = block + n * size + c * w.packedTaps();
      std::reverse(taps, taps + w.taps);
      if (w.folds)
        fold(taps, to);
      else
        std::copy_n(taps, w.taps, to);
    }
  }
}

void packItemF32(const Weights& w, float* packed, int64_t panel,
                 const float* block, int64_t c0, int64_t count,
                 int64_t columns) {
  const int64_t taps = w.packedTaps();
  const int64_t phaseTaps = w.folds ? 4 : w.taps;
  const int64_t phaseSize =
      phaseTaps * w.channels * roundUp(w.outChannels, kPanelGranule);
  for (int64_t t = 0; t < taps; ++t) {
    float* to = packed + t / phaseTaps * phaseSize +
                panel * kPanelColumns * phaseTaps * w.channels +
                (t % phaseTaps * w.channels + c0) * columns;
    for (int64_t c = 0; c < count; ++c)
      for (int64_t n = 0; n < columns; ++n)
        *to++ = block[(n * count + c) * taps + t];
  }
}

void packItemBF16(const Weights& w, uint16_t* packed, int64_t panel,
                  const float* block, int64_t c0, int64_t count,
                  int64_t columns) {
  const int64_t run = roundUp(w.channels, 2);
  packed += panel * kPanelColumns * run * w.taps;
  for (int64_t t = 0; t < w.taps; ++t)
    for (int64_t c = 0; c < roundUp(count, 2); ++c) {
      const int64_t k = t * run + c0 + c;
      uint16_t* to = packed + k / 2 * 2 * columns + k % 2;
      for (int64_t n = 0; n < columns; ++n)
        to[2 * n] =
            c < count ? floatToBf16(block[(n * count + c) * w.taps + t]) : 0;
    }
}

struct Buffers {
  float *block, *row;

  Buffers(Scratch& scratch, const Weights& w) {
    block = scratch.take<float>(kPanelColumns * kChannelBlock * w.packedTaps());
    row = scratch.take<float>(kPanelColumns * w.taps);
  }
};

template <typename T, bool kTransposed>
void packItems(const CallArgs& args, int64_t begin, int64_t end,
               std::byte* memory) {
  const Weights w(args.params);
  Scratch scratch(memory);
  const Buffers buffers(scratch, w);
  for (int64_t item = begin; item < end; ++item) {
    const int64_t panel = item / w.channelBlocks();
    const int64_t c0 = item % w.channelBlocks() * kChannelBlock;
    const int64_t count = std::min(kChannelBlock, w.channels - c0);
    const int64_t left = w.outChannels - panel * kPanelColumns;
    const int64_t columns =
        std::min(kPanelColumns, roundUp(left, kPanelGranule));
    const auto read = kTransposed ? readTransposed : readBlock;
    read(w, args.slices[0], panel, c0, count, columns, buffers.row,
         buffers.block);
    T* packed = static_cast<T*>(args.slices[1].data);
    if constexpr (sizeof(T) == 2)
      packItemBF16(w, packed, panel, buffers.block, c0, count, columns);
    else
      packItemF32(w, packed, panel, buffers.block, c0, count, columns);
  }
}

} // namespace

std::string_view checkPackContract(std::span<const int64_t> params) {
  for (int i = 0; i < kPackSourceDType; ++i)
    if (params[i] < 1 || params[i] > INT32_MAX)
      return "sizes of packed weights must be positive and below 2^31";
  if (!fitsMemory({params[kPackOutChannels], params[kPackChannels],
                   params[kPackKernelHeight], params[kPackKernelWidth]}))
    return "packed weights must have at most 2^40 elements";
  const int64_t dtype = params[kPackSourceDType];
  if (dtype < 0 || dtype >= kDTypeCount || !isFloat(static_cast<DType>(dtype)))
    return "weights to pack must be f16, bf16, f32 or f64";
  const bool square3 =
      params[kPackKernelHeight] == 3 && params[kPackKernelWidth] == 3;
  if (params[kPackFolds] != 0 && !square3)
    return "only weights of 3x3 kernels fold";
  return {};
}

int64_t packContractItems(std::span<const int64_t> params) {
  const Weights w(params);
  return w.panels() * w.channelBlocks();
}

size_t packContractScratch(std::span<const int64_t> params) {
  Scratch scratch;
  const Buffers buffers(scratch, Weights(params));
  return scratch.used();
}

void packContractF32(const CallArgs& args, int64_t begin, int64_t end,
                     std::byte* scratch) {
  packItems<float, false>(args, begin, end, scratch);
}
void packContractBF16(const CallArgs& args, int64_t begin, int64_t end,
                      std::byte* scratch) {
  packItems<uint16_t, false>(args, begin, end, scratch);
}
void packTransposedF32(const CallArgs& args, int64_t begin, int64_t end,
                       std::byte* scratch) {
  packItems<float, true>(args, begin, end, scratch);
}
void packTransposedBF16(const CallArgs& args, int64_t begin, int64_t end,
                        std::byte* scratch) {
  packItems<uint16_t, true>(args, begin, end, scratch);
}

} // namespace burin::kernels
