// SPDX-License-Identifier: Apache-2.0
// The gradients of attention against their formulas in double, with the matrix
// of weights written out.
#include <cmath>

#include "gtest/gtest.h"

#include "kernels/cpu/contracts.h"
#include "tests/kernels/harness.h"

namespace burin::kernels::testing {
namespace {

struct Shape {
  int64_t batch, queries, keys, heads, width;
  bool causal;
  double scale;

  std::vector<int64_t> params() const {
    return {batch, queries, keys, heads, width, causal, doubleBits(scale)};
  }
  int64_t tokens(int slice) const {
    return slice == 1 || slice == 2 || slice > 5 ? keys : queries;
  }
};

// Strips of 64 queries and blocks of 96 keys: less, one and a part, several.
const Shape kShapes[] = {
    {1, 1, 1, 1, 1, false, 1},         {1, 64, 64, 2, 40, false, 0.158},
    {2, 70, 77, 3, 40, false, 0.2},    {1, 77, 77, 2, 64, true, 0.125},
    {1, 130, 200, 1, 80, false, 0.11}, {2, 33, 97, 2, 160, false, 0.1},
    {1, 100, 300, 1, 512, false, .05}, {1, 97, 97, 1, 7, true, -0.4},
    {1, 230, 230, 2, 16, true, 0.25},  {3, 5, 193, 2, 24, false, 0.2},
};

enum { kQ, kK, kV, kY, kDY, kDQ, kDK, kDV, kSlices };

// Rows of each slice are a few elements more than heads * width apart.
struct Problem {
  Shape shape;
  int64_t pitch;
  std::vector<float> slices[kSlices];

  Problem(const Shape& s, bool bf16, float spread, Random& random)
      : shape(s), pitch(s.heads * s.width + random.whole(0, 5)) {
    for (int i = 0; i < kSlices; ++i) {
      slices[i] = random.normals(s.batch * s.tokens(i) * pitch);
      for (float& x : slices[i])
        x = i == kQ ? x * spread : i < kDQ ? x : -1.f;
      if (bf16)
        slices[i] = fromBF16(toBF16(slices[i]));
    }
  }

  int64_t at(int slice, int64_t b, int64_t token, int64_t h) const {
    return (b * shape.tokens(slice) + token) * pitch + h * shape.width;
  }
};

// A sum and the sum of its terms' magnitudes.
struct Sum {
  double value = 0, magnitude = 0;
  void add(double term, double size) {
    value += term;
    magnitude += size;
  }
};

struct Expected {
  std::vector<Sum> sums[3]; // dq, dk, dv
  double largestScore = 1;  // with magnitudes of terms

  explicit Expected(const Problem& p) : p_(p) {
    for (int i = 0; i < 3; ++i)
      sums[i].resize(p.slices[kDQ + i].size());
    const Shape& s = p.shape;
    for (int64_t b = 0; b < s.batch; ++b)
      for (int64_t h = 0; h < s.heads; ++h)
        for (int64_t i = 0; i < s.queries; ++i)
          addQuery(b, h, i);
  }

private:
  Sum dot(int a, int64_t from, int b, int64_t other) const {
    Sum sum;
    for (int64_t d = 0; d < p_.shape.width; ++d) {
      const double term =
          double{p_.slices[a][from + d]} * p_.slices[b][other + d];
      sum.add(term, std::abs(term));
    }
    return sum;
  }

  void addQuery(int64_t b, int64_t h, int64_t i) {
    const Shape& s = p_.shape;
    const int64_t keys = s.causal ? i + 1 : s.keys;
    const int64_t query = p_.at(kQ, b, i, h);
    std::vector<double> weights(keys);
    double top = -1e300, total = 0;
    for (int64_t j = 0; j < keys; ++j) {
      const Sum score = dot(kQ, query, kK, p_.at(kK, b, j, h));
      weights[j] = score.value * s.scale;
      largestScore =
          std::max(largestScore, score.magnitude * std::abs(s.scale));
      top = std::max(top, weights[j]);
    }
    for (double& weight : weights)
      total += weight = std::exp(weight - top);
    const Sum inner = dot(kDY, query, kY, query);
    for (int64_t j = 0; j < keys; ++j) {
      const int64_t key = p_.at(kK, b, j, h);
      const double weight = weights[j] / total;
      const Sum product = dot(kDY, query, kV, key);
      const double score = s.scale * weight * (product.value - inner.value);
      const double size =
          std::abs(s.scale) * weight * (product.magnitude + inner.magnitude);
      for (int64_t d = 0; d < s.width; ++d) {
        const double q = p_.slices[kQ][query + d], k = p_.slices[kK][key + d];
        const double flow = weight * p_.slices[kDY][query + d];
        sums[0][query + d].add(score * k, size * std::abs(k));
        sums[1][key + d].add(score * q, size * std::abs(q));
        sums[2][key + d].add(flow, std::abs(flow));
      }
    }
  }

  const Problem& p_;
};

void runF32(const CpuKernel& kernel, Problem& p, Random& random) {
  const auto params = p.shape.params();
  std::vector<View> views;
  for (auto& slice : p.slices)
    views.push_back(view(slice, p.pitch));
  runKernel(kernel, views, params, random.shuffled(kernel.workItems(params)));
}

void runBF16(const CpuKernel& kernel, Problem& p, Random& random) {
  const auto params = p.shape.params();
  std::vector<std::vector<uint16_t>> narrow;
  for (auto& slice : p.slices)
    narrow.push_back(toBF16(slice));
  std::vector<View> views;
  for (auto& slice : narrow)
    views.push_back(view(slice, p.pitch));
  runKernel(kernel, views, params, random.shuffled(kernel.workItems(params)));
  for (int i = kDQ; i < kSlices; ++i)
    p.slices[i] = fromBF16(narrow[i]);
}

void compare(const std::string& isa, const Shape& s, bool bf16, float spread) {
  Random random;
  SCOPED_TRACE("seed " + std::to_string(random.seed()) + " queries " +
               std::to_string(s.queries) + " width " + std::to_string(s.width) +
               (bf16 ? " bf16" : " f32"));
  Problem p(s, bf16, spread, random);
  const CpuKernel& kernel = kernelOf(isa, bf16 ? "attention_gradient.bf16"
                                               : "attention_gradient.f32");
  (bf16 ? runBF16 : runF32)(kernel, p, random);
  const Expected expected(p);
  for (int slice = 0; slice < 3; ++slice) {
    const std::vector<float>& values = p.slices[kDQ + slice];
    for (size_t i = 0; i < values.size(); ++i) {
      if (static_cast<int64_t>(i) % p.pitch >= s.heads * s.width) {
        ASSERT_EQ(values[i], -1.f) << "wrote between rows";
        continue;
      }
      const Sum& sum = expected.sums[slice][i];
      const double rounding = bf16 ? std::abs(sum.value) / 256 : 0;
      ASSERT_NEAR(values[i], sum.value,
                  rounding + 1e-30 +
                      (1e-6 + 2e-7 * expected.largestScore) * sum.magnitude)
          << "gradient " << slice << " element " << i;
    }
  }
}

class AttentionGradientTest : public ::testing::TestWithParam<std::string> {};

TEST_P(AttentionGradientTest, AgreesWithFormulasInDouble) {
  for (const Shape& shape : kShapes)
    for (const bool bf16 : {false, true})
      compare(GetParam(), shape, bf16, 1);
}

TEST_P(AttentionGradientTest, LargeScoresDoNotOverflow) {
  compare(GetParam(), {1, 40, 210, 2, 40, false, 10}, false, 20);
}

TEST_P(AttentionGradientTest, HeadsDoNotMeet) {
  Random random;
  Problem p({1, 20, 100, 2, 40, false, 0.2}, false, 1, random);
  p.slices[kK][50 * p.pitch + 3] = std::nanf("");
  runF32(kernelOf(GetParam(), "attention_gradient.f32"), p, random);
  for (int slice = kDQ; slice < kSlices; ++slice) {
    EXPECT_TRUE(std::isnan(p.slices[slice][0]));
    for (int64_t token = 0; token < p.shape.tokens(slice); ++token)
      EXPECT_TRUE(std::isfinite(p.slices[slice][p.at(slice, 0, token, 1)]));
  }
}

INSTANTIATE_TEST_SUITE_P(Isa, AttentionGradientTest,
                         ::testing::ValuesIn(instructionSets()),
                         [](const auto& info) { return info.param; });

} // namespace
} // namespace burin::kernels::testing
