// SPDX-License-Identifier: Apache-2.0
// One pass over the data gives mean and variance without cancellation.
//
// Each channel is shifted by a pivot p (the mean of its first rows), summed in
// float32 over blocks of rows and in double over blocks. With S = sum d and
// Q = sum d^2 of d = x - p over n rows, the channel has
//   mean = p + S / n,   M2 = Q - S^2 / n
// and the group of C channels, with mean m of their means,
//   var = (sum_c M2_c + n sum_c (mean_c - m)^2) / (n C).
#include "kernels/cpu/group_affine/group_affine.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/cpu/contract/geometry.h"
#include "kernels/cpu/convert.h"
#include "kernels/cpu/limits.h"
#include "kernels/cpu/scratch.h"

namespace burin::kernels {
namespace {

constexpr int64_t kRowsPerSum = 64;
constexpr int64_t kPivotRows = 16;
// An item covers whole groups: at least this many channels, and whole cache
// lines where the sizes allow.
constexpr int64_t kItemChannels = 64;
constexpr int64_t kLineFloats = 16;

struct Problem {
  int64_t batch, pixels, channels, groups;
  double epsilon;
  DType affine;

  explicit Problem(std::span<const int64_t> p)
      : batch(p[kGroupBatch]), pixels(p[kGroupPixels]),
        channels(p[kGroupChannels]), groups(p[kGroupGroups]),
        epsilon(bitsToDouble(p[kGroupEpsilon])),
        affine(static_cast<DType>(p[kGroupAffineDType])) {}

  int64_t groupChannels() const { return channels / groups; }
  int64_t itemGroups() const {
    const int64_t whole = kLineFloats / std::gcd(groupChannels(), kLineFloats);
    const int64_t least = divideUp(kItemChannels, groupChannels());
    return std::min(groups, roundUp(least, whole));
  }
  int64_t itemChannels() const { return itemGroups() * groupChannels(); }
  int64_t itemsPerSample() const { return divideUp(groups, itemGroups()); }
};

struct Buffers {
  float *pivot, *sum, *square, *gamma, *beta;
  double *totalSum, *totalSquare;

  Buffers(Scratch& scratch, const Problem& p) {
    for (float** array : {&pivot, &sum, &square, &gamma, &beta})
      *array = scratch.take<float>(p.itemChannels());
    totalSum = scratch.take<double>(p.itemChannels());
    totalSquare = scratch.take<double>(p.itemChannels());
  }
};

using MomentsFn = void (*)(const MomentsArgs&);

// Leaves the pivots and the sums around them of `channels` channels of x.
void sumChannels(MomentsFn moments, const std::byte* x, int64_t rowBytes,
                 int64_t pitch, int64_t pixels, int64_t channels,
                 const Buffers& b) {
  std::fill_n(b.pivot, channels, 0.f);
  const int64_t first = std::min(kPivotRows, pixels);
  moments({x, pitch, first, channels, b.pivot, b.sum, b.square});
  for (int64_t c = 0; c < channels; ++c) {
    const float mean = b.sum[c] / static_cast<float>(first);
    b.pivot[c] = std::isfinite(mean) ? mean : 0.f;
  }
  std::fill_n(b.totalSum, channels, 0.);
  std::fill_n(b.totalSquare, channels, 0.);
  for (int64_t row = 0; row < pixels; row += kRowsPerSum) {
    const int64_t rows = std::min(kRowsPerSum, pixels - row);
    moments(
        {x + row * rowBytes, pitch, rows, channels, b.pivot, b.sum, b.square});
    for (int64_t c = 0; c < channels; ++c) {
      b.totalSum[c] += b.sum[c];
      b.totalSquare[c] += b.square[c];
    }
  }
}

// Writes the factors of the group of channels [first, first + count) of the
// buffers.
void finishGroup(const Problem& p, const Buffers& b, int64_t first,
                 int64_t count, float* scale, float* shift) {
  const double n = static_cast<double>(p.pixels);
  double mean = 0;
  for (int64_t c = first; c < first + count; ++c)
    mean += b.pivot[c] + b.totalSum[c] / n;
  mean /= static_cast<double>(count);
  double deviations = 0;
  for (int64_t c = first; c < first + count; ++c) {
    const double apart = b.pivot[c] + b.totalSum[c] / n - mean;
    deviations += b.totalSquare[c] - b.totalSum[c] * b.totalSum[c] / n +
                  n * apart * apart;
  }
  const double variance =
      std::max(0., deviations) / (n * static_cast<double>(count));
  const double inverse = 1 / std::sqrt(variance + p.epsilon);
  for (int64_t c = first; c < first + count; ++c) {
    scale[c] = static_cast<float>(b.gamma[c] * inverse);
    shift[c] = static_cast<float>(b.beta[c] - mean * b.gamma[c] * inverse);
  }
}

void groupAffine(MomentsFn moments, int64_t elementBytes, const CallArgs& args,
                 int64_t begin, int64_t end, std::byte* memory) {
  const Problem p(args.params);
  Scratch scratch(memory);
  const Buffers b(scratch, p);
  const View& x = args.slices[0];
  const int64_t rowBytes = x.pitch * elementBytes;
  for (int64_t item = begin; item < end; ++item) {
    const int64_t sample = item / p.itemsPerSample();
    const int64_t channel = item % p.itemsPerSample() * p.itemChannels();
    const int64_t count = std::min(p.itemChannels(), p.channels - channel);
    const std::byte* from = static_cast<const std::byte*>(x.data) +
                            sample * p.pixels * rowBytes +
                            channel * elementBytes;
    sumChannels(moments, from, rowBytes, x.pitch, p.pixels, count, b);
    convertToFloat(p.affine, args.slices[1].data, channel, count, b.gamma);
    convertToFloat(p.affine, args.slices[2].data, channel, count, b.beta);
    auto row = [&](const View& view) {
      return static_cast<float*>(view.data) + sample * view.pitch + channel;
    };
    for (int64_t c = 0; c < count; c += p.groupChannels())
      finishGroup(p, b, c, p.groupChannels(), row(args.slices[3]),
                  row(args.slices[4]));
  }
}

} // namespace

std::string_view checkGroupAffine(std::span<const int64_t> params) {
  for (int i = 0; i <= kGroupGroups; ++i)
    if (params[i] < 1 || params[i] > INT32_MAX)
      return "group_affine's sizes must be positive and below 2^31";
  if (!fitsMemory(
          {params[kGroupBatch], params[kGroupPixels], params[kGroupChannels]}))
    return "group_affine's input must have at most 2^40 elements";
  if (params[kGroupChannels] % params[kGroupGroups] != 0)
    return "group_affine's channels must divide into its groups";
  const int64_t dtype = params[kGroupAffineDType];
  if (dtype < 0 || dtype >= kDTypeCount || !isFloat(static_cast<DType>(dtype)))
    return "group_affine's gamma and beta must be f16, bf16, f32 or f64";
  return {};
}

int64_t groupAffineItems(std::span<const int64_t> params) {
  const Problem p(params);
  return p.batch * p.itemsPerSample();
}

size_t groupAffineScratch(std::span<const int64_t> params) {
  Scratch scratch;
  const Buffers buffers(scratch, Problem(params));
  return scratch.used();
}

void groupAffineF32(const Isa& isa, const CallArgs& args, int64_t begin,
                    int64_t end, std::byte* scratch) {
  groupAffine(isa.momentsF32, 4, args, begin, end, scratch);
}
void groupAffineBF16(const Isa& isa, const CallArgs& args, int64_t begin,
                     int64_t end, std::byte* scratch) {
  groupAffine(isa.momentsBF16, 2, args, begin, end, scratch);
}

} // namespace burin::kernels
