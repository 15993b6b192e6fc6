// SPDX-License-Identifier: Apache-2.0
// Separable resampling in fixed point: a pass along rows and one along columns,
// each rounded to 8 bits.
#include "formats/image/resize.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace burin {
namespace {

constexpr double kSupport = 3;
// Weights in units of 2^-22: the widest that cannot overflow 32 bits, as the
// absolute weights of a Lanczos window sum to less than 2.
constexpr int kPrecision = 22;

// sinc(x) * sinc(x / 3) on (-3, 3), sinc(x) = sin(pi x) / (pi x).
double lanczos(double x) {
  if (x == 0)
    return 1;
  if (std::abs(x) >= kSupport)
    return 0;
  double a = std::numbers::pi * x, b = a / kSupport;
  return std::sin(a) / a * (std::sin(b) / b);
}

// Which source samples make one target sample, and how much of each.
struct Window {
  int first = 0;
  std::vector<int32_t> weights;
};

// Target sample i looks at the source around begin + (i + 1/2) * scale.
std::vector<Window> makeWindows(int source, int target, double begin,
                                double end) {
  const double scale = (end - begin) / target;
  const double stretch = std::max(scale, 1.0);
  const double support = kSupport * stretch;
  std::vector<Window> windows(target);
  for (int i = 0; i < target; ++i) {
    const double center = begin + (i + 0.5) * scale;
    int first = std::max(static_cast<int>(center - support + 0.5), 0);
    int last = std::min(static_cast<int>(center + support + 0.5), source);
    std::vector<double> weights(std::max(last - first, 1));
    double sum = 0;
    for (size_t k = 0; k < weights.size(); ++k) {
      double at = first + static_cast<double>(k) - center + 0.5;
      weights[k] = lanczos(at / stretch);
      sum += weights[k];
    }
    windows[i].first = first;
    for (double weight : weights)
      windows[i].weights.push_back(
          static_cast<int32_t>(std::lround(weight / sum * (1 << kPrecision))));
  }
  return windows;
}

uint8_t rounded(int32_t sum) {
  return static_cast<uint8_t>(
      std::clamp((sum + (1 << (kPrecision - 1))) >> kPrecision, 0, 255));
}

Image resampleRows(const Image& image, const std::vector<Window>& windows) {
  Image result(static_cast<int>(windows.size()), image.height);
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < result.width; ++x) {
      const uint8_t* source = image.at(windows[x].first, y);
      int32_t sums[3] = {};
      for (int32_t weight : windows[x].weights)
        for (int c = 0; c < 3; ++c)
          sums[c] += weight * *source++;
      for (int c = 0; c < 3; ++c)
        result.at(x, y)[c] = rounded(sums[c]);
    }
  return result;
}

Image resampleColumns(const Image& image, const std::vector<Window>& windows) {
  Image result(image.width, static_cast<int>(windows.size()));
  const size_t row = size_t{3} * image.width;
  std::vector<int32_t> sums(row);
  for (int y = 0; y < result.height; ++y) {
    std::fill(sums.begin(), sums.end(), 0);
    const uint8_t* source = image.at(0, windows[y].first);
    for (int32_t weight : windows[y].weights) {
      for (size_t i = 0; i < row; ++i)
        sums[i] += weight * source[i];
      source += row;
    }
    std::transform(sums.begin(), sums.end(), result.at(0, y), rounded);
  }
  return result;
}

} // namespace

Image resize(const Image& image, int width, int height, const Box& box) {
  Image result = image;
  auto rows = [&] {
    if (width != image.width || box.left != 0 || box.right != width)
      result = resampleRows(
          result, makeWindows(image.width, width, box.left, box.right));
  };
  auto columns = [&] {
    if (height != image.height || box.top != 0 || box.bottom != height)
      result = resampleColumns(
          result, makeWindows(image.height, height, box.top, box.bottom));
  };
  // The order shows at hard edges, where values are clipped between the
  // passes; like Pillow, start with the pass that leaves less to the other.
  if (width > image.width && height < image.height) {
    columns();
    rows();
  } else {
    rows();
    columns();
  }
  return result;
}

Image resize(const Image& image, int width, int height) {
  return resize(image, width, height,
                {0, 0, double(image.width), double(image.height)});
}

Image fit(const Image& image, int width, int height) {
  const double aspect = double(width) / height;
  double partWidth = image.width, partHeight = image.height;
  if (partWidth / partHeight >= aspect)
    partWidth = aspect * image.height;
  else
    partHeight = image.width / aspect;
  double left = (image.width - partWidth) * 0.5;
  double top = (image.height - partHeight) * 0.5;
  return resize(image, width, height,
                {left, top, left + partWidth, top + partHeight});
}

} // namespace burin
