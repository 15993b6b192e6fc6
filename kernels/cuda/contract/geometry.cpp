// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/contract/geometry.h"

#include <algorithm>
#include <string>
#include <tuple>

#include "kernels/cpu/contracts.h"

namespace burin::kernels::cuda {
namespace {

int64_t divideUp(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

// Extents of a box of the copy engine.
constexpr int64_t kMaxBox = 256;
constexpr int64_t kMaxTaps = 49;

constexpr const char* kNames[kContractShortcutParamCount] = {
    "batch",        "out height",        "out width",     "in height",
    "in width",     "channels",          "kernel height", "kernel width",
    "stride",       "pad top",           "pad left",      "upsample",
    "out channels", "shortcut channels",
};

Status check(std::span<const int64_t> p, bool gated) {
  if (p.size() != kContractParamCount &&
      p.size() != kContractShortcutParamCount)
    return invalidArgument("a contraction has " +
                           std::to_string(int{kContractParamCount}) +
                           " parameters, with a shortcut one more, not " +
                           std::to_string(p.size()));
  for (size_t i = 0; i < p.size(); ++i) {
    const bool pad = i == kContractPadTop || i == kContractPadLeft;
    if (p[i] < (pad ? 0 : 1) || p[i] > INT32_MAX / 2)
      return invalidArgument(std::string("contraction: ") + kNames[i] + " is " +
                             std::to_string(p[i]) + ", must lie in [" +
                             (pad ? "0" : "1") + ", 2^30)");
  }
  if (p[kContractKernelHeight] * p[kContractKernelWidth] > kMaxTaps)
    return unimplemented("contraction: a kernel of " +
                         std::to_string(p[kContractKernelHeight]) + "x" +
                         std::to_string(p[kContractKernelWidth]) +
                         " has more than 49 taps; split it");
  // Rows, columns and coordinates are 32-bit in the kernels.
  constexpr int64_t kMost = int64_t{1} << 30;
  const int64_t pixels = p[kContractOutHeight] * p[kContractOutWidth];
  if (pixels > kMost || pixels * p[kContractBatch] > kMost)
    return unimplemented("contraction: more than 2^30 rows; split the batch");
  const int64_t reach =
      std::max(std::max(p[kContractOutHeight], p[kContractOutWidth]) *
                   p[kContractStride],
               std::max(p[kContractInHeight], p[kContractInWidth]) *
                   p[kContractUpsample]);
  if (reach > kMost)
    return unimplemented("contraction: an input more than 2^30 pixels wide");
  if (gated && p[kContractOutChannels] % 2 != 0)
    return invalidArgument(
        "contraction: " + std::to_string(p[kContractOutChannels]) +
        " output channels cannot be values and gates; their number must be "
        "even");
  return okStatus();
}

bool foldsPhases(std::span<const int64_t> p) {
  return p[kContractUpsample] == 2 && p[kContractKernelHeight] == 3 &&
         p[kContractKernelWidth] == 3 && p[kContractStride] == 1 &&
         p[kContractPadTop] == 1 && p[kContractPadLeft] == 1 &&
         p[kContractOutHeight] == 2 * p[kContractInHeight] &&
         p[kContractOutWidth] == 2 * p[kContractInWidth];
}

bool isProduct(const ContractGeometry& g) {
  return g.taps() == 1 && g.stride == 1 && g.upsample == 1 && g.padTop == 0 &&
         g.padLeft == 0 && g.height == g.inHeight && g.width == g.inWidth;
}

} // namespace

Result<ContractGeometry> contractGeometry(std::span<const int64_t> p,
                                          bool gated) {
  BURIN_TRY(check(p, gated));
  const int64_t gates = gated ? 2 : 1;
  ContractGeometry g{.batch = p[kContractBatch],
                     .height = p[kContractOutHeight],
                     .width = p[kContractOutWidth],
                     .inHeight = p[kContractInHeight],
                     .inWidth = p[kContractInWidth],
                     .channels = p[kContractChannels],
                     .outputs = p[kContractOutChannels] / gates,
                     .gates = gates,
                     .kernelHeight = p[kContractKernelHeight],
                     .kernelWidth = p[kContractKernelWidth],
                     .stride = p[kContractStride],
                     .padTop = p[kContractPadTop],
                     .padLeft = p[kContractPadLeft],
                     .upsample = p[kContractUpsample],
                     .phases = 1};
  if (p.size() == kContractShortcutParamCount)
    g.shortcutChannels = p[kContractShortcutChannels];
  if (foldsPhases(p) && g.shortcutChannels == 0) {
    g.phases = 4;
    g.upsample = 1;
    g.kernelHeight = g.kernelWidth = 2;
    g.height = g.inHeight;
    g.width = g.inWidth;
  } else if (isProduct(g)) {
    g.width = g.inWidth = g.batch * g.height * g.width;
    g.batch = g.height = g.inHeight = 1;
  }
  // Rows and columns are 32-bit in the kernels.
  if (g.packedRows() > INT32_MAX || g.packedColumns() * 4 > INT32_MAX)
    return unimplemented("contraction: packed weights of " +
                         std::to_string(g.packedRows()) + " rows and " +
                         std::to_string(g.packedColumns()) +
                         " columns exceed 2^31; split the layer");
  return g;
}

Result<std::string> elementText(DType dtype, const std::string& what) {
  switch (dtype) {
  case DType::kF32:
    return std::string("ElementF32");
  case DType::kBF16:
    return std::string("ElementBf16");
  case DType::kF16:
    return std::string("ElementF16");
  default:
    return unimplemented("contraction: " + what + " of type " +
                         std::string(name(dtype)) +
                         "; f32, bf16 and f16 are served");
  }
}

PixelBox pixelBox(const ContractGeometry& g, int64_t pixels) {
  const int64_t most = kMaxBox / g.stride;
  std::tuple<int64_t, int64_t, int64_t> best{INT64_MAX, 0, 0};
  PixelBox box{0, 0, 0};
  for (int64_t n = 1; n <= pixels && n <= kMaxBox; ++n)
    for (int64_t h = 1; pixels % n == 0 && h <= pixels / n && h <= most; ++h) {
      const int64_t w = pixels / n / h;
      if (pixels / n % h != 0 || w > most)
        continue;
      const int64_t tiles =
          divideUp(g.batch, n) * divideUp(g.height, h) * divideUp(g.width, w);
      if (std::tuple key{tiles, n, h}; key < best) {
        best = key;
        box = {n, h, w};
      }
    }
  return box;
}

ContractShape contractShape(const ContractGeometry& g, const PixelBox& box,
                            int64_t tileOutputs, bool pixelsFirst) {
  const auto number = [](int64_t value) { return static_cast<int>(value); };
  return {.batch = number(g.batch),
          .height = number(g.height),
          .width = number(g.width),
          .boxN = number(box.n),
          .boxH = number(box.h),
          .boxW = number(box.w),
          .inverseH = inverse(number(box.h)),
          .inverseW = inverse(number(box.w)),
          .tilesN = number(divideUp(g.batch, box.n)),
          .tilesH = number(divideUp(g.height, box.h)),
          .tilesW = number(divideUp(g.width, box.w)),
          .tilesC = number(divideUp(g.outputs, tileOutputs)),
          .phases = number(g.phases),
          .chunks = number(g.chunks()),
          .shortcutChunks = number(g.shortcutChunks()),
          .taps = number(g.taps()),
          .kernelWidth = number(g.kernelWidth),
          .stride = number(g.stride),
          .padTop = number(g.padTop),
          .padLeft = number(g.padLeft),
          .paddedOutputs = number(g.paddedOutputs()),
          .pixelsFirst = pixelsFirst};
}

SimtShape simtShape(const ContractGeometry& g, const PixelBox& box,
                    int64_t tileOutputs) {
  const auto number = [](int64_t value) { return static_cast<int>(value); };
  return {.shape = contractShape(g, box, tileOutputs, false),
          .inHeight = number(g.inHeight),
          .inWidth = number(g.inWidth),
          .channels = number(g.channels),
          .upsample = number(g.upsample)};
}

} // namespace burin::kernels::cuda
