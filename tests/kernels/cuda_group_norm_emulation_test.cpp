// SPDX-License-Identifier: Apache-2.0
// stream.cuh on the CPU, both launches one after the other, against plain
// sums: pieces, shares, borders between groups. Clusters are of one block.
#include <algorithm>
#include <cmath>
#include <random>

#include "gtest/gtest.h"

using std::max;
using std::min;
// Of clusters of several blocks alone.
unsigned __cvta_generic_to_shared(const void*);

#include "kernels/cuda/group_norm/stream.cuh"

namespace burin::kernels::cuda {
namespace {

template <class Element, int kPixelCount, int kChannelCount, int kGroupWidth,
          int kSpanned, int kShareCount, int kRowCount, int kThreadCount,
          int kBatched>
struct Problem {
  using X = Element;
  using Affine = float;
  static constexpr int kPixels = kPixelCount;
  static constexpr int kChannels = kChannelCount;
  static constexpr int kWidth = kGroupWidth;
  static constexpr int kVector = 8;
  static constexpr int kSpan = kSpanned;
  static constexpr int kShares = kShareCount;
  static constexpr int kCluster = 1;
  static constexpr int kRows = kRowCount;
  static constexpr int kThreads = kThreadCount;
  static constexpr int kBatch = kBatched;
  static constexpr int kAlign = 16;
  static constexpr double kEpsilon = 1e-5;
};

// Where results go, and how often each was written.
struct Results {
  std::vector<float> values;
  std::vector<int> writes;
};

template <int kColumns>
struct StoreEpilogue {
  static constexpr int kOutputs = kColumns;
  static constexpr bool kGated = false;
  struct Operand {
    int row, column;
  };
  Operand fetch(const View*, int row, int column) const {
    return {row, column};
  }
  void finish(const View* views, float (&value)[8], float (&)[8],
              const Operand& operand, int row, int column) const {
    auto& results = *static_cast<Results*>(views[0].data);
    ASSERT_EQ(operand.row, row);
    ASSERT_EQ(operand.column, column);
    for (int i = 0; i < 8; ++i) {
      results.values.at(row * kColumns + column + i) = value[i];
      ++results.writes.at(row * kColumns + column + i);
    }
  }
};

struct Image {
  int pixels, channels, width, pitch;
  std::vector<double> x;
  const std::vector<float>&gamma, &beta;

  // The normalised element of image `n`.
  void expect(int n, const Results& results, double tolerance) const {
    for (int first = 0; first < channels; first += width) {
      double sum = 0, squares = 0;
      each(n, first, [&](int at, int) { sum += x[at]; });
      const double count = static_cast<double>(pixels) * width;
      const double mean = sum / count;
      each(n, first,
           [&](int at, int) { squares += (x[at] - mean) * (x[at] - mean); });
      const double inverse = 1 / std::sqrt(squares / count + 1e-5);
      each(n, first, [&](int at, int c) {
        const int to = at / pitch * channels + c;
        ASSERT_EQ(results.writes[to], 1);
        ASSERT_NEAR(results.values[to],
                    (x[at] - mean) * inverse * gamma[c] + beta[c], tolerance)
            << "image " << n << ", channel " << c;
      });
    }
  }

private:
  template <class Visit>
  void each(int n, int first, Visit visit) const {
    for (int pixel = 0; pixel < pixels; ++pixel)
      for (int c = first; c < first + width; ++c)
        visit((n * pixels + pixel) * pitch + c, c);
  }
};

// Numbers around `center`, in rows with a gap.
template <class P>
void check(int batch, double center, double tolerance) {
  constexpr int kPitch = P::kChannels + 8;
  std::mt19937 engine(1);
  std::normal_distribution<double> normal(center);
  std::vector<typename P::X> x(batch * P::kPixels * kPitch);
  std::vector<double> wide;
  for (auto& each : x) {
    each = convert<typename P::X>(normal(engine));
    wide.push_back(widen(each));
  }
  std::vector<float> gamma(P::kChannels), beta(P::kChannels);
  for (int c = 0; c < P::kChannels; ++c) {
    gamma[c] = static_cast<float>(1 + c % 5 * 0.25);
    beta[c] = static_cast<float>(c % 3 - 1);
  }
  std::vector<Moments<RealOf<P>>> moments(batch * P::kShares * P::kChannels /
                                          P::kWidth);
  const size_t elements = batch * P::kPixels * P::kChannels;
  Results results = {std::vector<float>(elements), std::vector<int>(elements)};
  const View views[] = {{x.data(), kPitch},
                        {gamma.data(), 0},
                        {beta.data(), 0},
                        {moments.data(), 0},
                        {&results, 0}};
  const View first[] = {views[0], views[3]};
  const int blocks = batch * StreamPlace<P>::kSpans * P::kShares;
  emulated::runGrid(blocks, P::kThreads, [&] { groupMoments<P>(first); });
  emulated::runGrid(blocks, P::kThreads,
                    [&] { groupApply<P, StoreEpilogue<P::kChannels>>(views); });
  const Image image = {P::kPixels, P::kChannels, P::kWidth, kPitch,
                       wide,       gamma,        beta};
  for (int n = 0; n < batch; ++n)
    image.expect(n, results, tolerance);
}

TEST(CudaGroupNormStream, NarrowGroupsOfSeveralImages) {
  check<Problem<float, 70, 16, 4, 16, 3, 8, 32, 2>>(2, 0, 1e-5);
}

// Their mean is a thousand deviations away.
TEST(CudaGroupNormStream, DistantNumbers) {
  check<Problem<float, 70, 16, 8, 16, 4, 8, 32, 2>>(1, 1000, 2e-3);
}

TEST(CudaGroupNormStream, BordersInsideVectorsAndAShortSpan) {
  check<Problem<Bf16, 61, 72, 12, 48, 2, 10, 64, 3>>(2, 1, 1e-4);
}

// A lane joins two of them.
TEST(CudaGroupNormStream, MoreSharesThanLanes) {
  check<Problem<float, 40, 8, 8, 8, 33, 1, 32, 1>>(1, 0, 1e-5);
}

TEST(CudaGroupNormStream, OnePiece) {
  check<Problem<F16, 5, 24, 24, 24, 1, 16, 64, 4>>(3, 0, 1e-4);
}

} // namespace
} // namespace burin::kernels::cuda
