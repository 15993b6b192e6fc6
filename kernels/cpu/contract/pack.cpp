// SPDX-License-Identifier: Apache-2.0
// Turns a checkpoint's weights into the column panels that a contraction
// streams. Runs once per weight, when a module is prepared.
#include <algorithm>

#include "kernels/cpu/contract/contract.h"
#include "kernels/cpu/contract/geometry.h"
#include "kernels/cpu/convert.h"
#include "kernels/cpu/scratch.h"

namespace burin::kernels {
namespace {

// An item is a stretch of channels of a panel: 64 rows of the weights, each
// read as `kChannelBlock * taps` neighbours.
constexpr int64_t kChannelBlock = 32;

struct Weights {
  int64_t outChannels, channels, taps;
  DType dtype;

  explicit Weights(std::span<const int64_t> p)
      : outChannels(p[kPackOutChannels]), channels(p[kPackChannels]),
        taps(p[kPackKernelHeight] * p[kPackKernelWidth]),
        dtype(static_cast<DType>(p[kPackSourceDType])) {}

  int64_t panels() const { return divideUp(outChannels, kPanelColumns); }
  int64_t channelBlocks() const { return divideUp(channels, kChannelBlock); }
};

// Reads channels [c0, c0 + count) of up to 64 rows into block[column][c][tap].
void readBlock(const Weights& w, const View& from, int64_t panel, int64_t c0,
               int64_t count, int64_t columns, float* block) {
  for (int64_t n = 0; n < columns; ++n) {
    float* to = block + n * count * w.taps;
    const int64_t row = panel * kPanelColumns + n;
    if (row < w.outChannels)
      convertToFloat(w.dtype, from.data, (row * w.channels + c0) * w.taps,
                     count * w.taps, to);
    else
      std::fill_n(to, count * w.taps, 0.f);
  }
}

void packItemF32(const Weights& w, float* panel, const float* block, int64_t c0,
                 int64_t count, int64_t columns) {
  for (int64_t t = 0; t < w.taps; ++t)
    for (int64_t c = 0; c < count; ++c) {
      float* to = panel + (t * w.channels + c0 + c) * columns;
      for (int64_t n = 0; n < columns; ++n)
        to[n] = block[(n * count + c) * w.taps + t];
    }
}

void packItemBF16(const Weights& w, uint16_t* panel, const float* block,
                  int64_t c0, int64_t count, int64_t columns) {
  const int64_t run = roundUp(w.channels, 2);
  for (int64_t t = 0; t < w.taps; ++t)
    for (int64_t c = 0; c < roundUp(count, 2); ++c) {
      const int64_t k = t * run + c0 + c;
      uint16_t* to = panel + k / 2 * 2 * columns + k % 2;
      for (int64_t n = 0; n < columns; ++n)
        to[2 * n] =
            c < count ? floatToBf16(block[(n * count + c) * w.taps + t]) : 0;
    }
}

template <typename T>
void packItems(const CallArgs& args, int64_t begin, int64_t end,
               std::byte* memory) {
  const Weights w(args.params);
  Scratch scratch(memory);
  float* block = scratch.take<float>(kPanelColumns * kChannelBlock * w.taps);
  const int64_t run = sizeof(T) == 2 ? roundUp(w.channels, 2) : w.channels;
  for (int64_t item = begin; item < end; ++item) {
    const int64_t panel = item / w.channelBlocks();
    const int64_t c0 = item % w.channelBlocks() * kChannelBlock;
    const int64_t count = std::min(kChannelBlock, w.channels - c0);
    const int64_t columns =
        std::min(kPanelColumns,
                 roundUp(w.outChannels - panel * kPanelColumns, kPanelGranule));
    readBlock(w, args.slices[0], panel, c0, count, columns, block);
    T* out = static_cast<T*>(args.slices[1].data) +
             panel * kPanelColumns * run * w.taps;
    if constexpr (sizeof(T) == 2)
      packItemBF16(w, out, block, c0, count, columns);
    else
      packItemF32(w, out, block, c0, count, columns);
  }
}

} // namespace

std::string_view checkPackContract(std::span<const int64_t> params) {
  for (int i = 0; i < kPackSourceDType; ++i)
    if (params[i] < 1 || params[i] > INT32_MAX)
      return "sizes of packed weights must be positive and below 2^31";
  const int64_t dtype = params[kPackSourceDType];
  if (dtype < 0 || dtype >= kDTypeCount || !isFloat(static_cast<DType>(dtype)))
    return "weights to pack must be f16, bf16, f32 or f64";
  return {};
}

int64_t packContractItems(std::span<const int64_t> params) {
  const Weights w(params);
  return w.panels() * w.channelBlocks();
}

size_t packContractScratch(std::span<const int64_t> params) {
  Scratch scratch;
  scratch.take<float>(kPanelColumns * kChannelBlock * Weights(params).taps);
  return scratch.used();
}

void packContractF32(const CallArgs& args, int64_t begin, int64_t end,
                     std::byte* scratch) {
  packItems<float>(args, begin, end, scratch);
}
void packContractBF16(const CallArgs& args, int64_t begin, int64_t end,
                      std::byte* scratch) {
  packItems<uint16_t>(args, begin, end, scratch);
}

} // namespace burin::kernels
