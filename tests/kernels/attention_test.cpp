// SPDX-License-Identifier: Apache-2.0
// Attention against softmax in double, with the score matrix written out.
#include <cmath>
#include <cstring>

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
};

const Shape kShapes[] = {
    {1, 1, 1, 1, 1, false, 1},         {1, 64, 64, 2, 40, false, 0.158},
    {2, 70, 77, 3, 40, false, 0.2},    {1, 77, 77, 2, 64, true, 0.125},
    {1, 130, 200, 1, 80, false, 1},    {2, 33, 97, 2, 160, false, 0.1},
    {1, 100, 300, 1, 512, false, .05}, {1, 97, 97, 1, 7, true, 3},
    {1, 200, 200, 2, 16, true, 0.25},  {3, 5, 193, 2, 24, false, 0.2},
};

struct Problem {
  Shape shape;
  // Of q, k, v, out: more than heads * width, as in one QKV product.
  int64_t pitch;
  std::vector<float> q, k, v;
};

Problem makeProblem(const Shape& s, Random& random, float spread) {
  Problem p{s, s.heads * s.width + random.whole(0, 5), {}, {}, {}};
  p.q = random.normals(s.batch * s.queries * p.pitch);
  p.k = random.normals(s.batch * s.keys * p.pitch);
  p.v = random.normals(s.batch * s.keys * p.pitch);
  for (float& x : p.q)
    x *= spread;
  return p;
}

// Row (batch b, query i) of head h: the result, and how far rounding the
// scores in float32 may move it.
std::vector<double> reference(const Problem& p, int64_t b, int64_t i, int64_t h,
                              double* largestScore) {
  const Shape& s = p.shape;
  const int64_t keys = s.causal ? i + 1 : s.keys;
  auto row = [&](const std::vector<float>& x, int64_t at) {
    return x.data() + at * p.pitch + h * s.width;
  };
  std::vector<double> score(keys);
  for (int64_t j = 0; j < keys; ++j) {
    double magnitude = 0;
    for (int64_t d = 0; d < s.width; ++d) {
      const double term = double{row(p.q, b * s.queries + i)[d]} *
                          row(p.k, b * s.keys + j)[d] * s.scale;
      score[j] += term;
      magnitude += std::abs(term);
    }
    *largestScore = std::max(*largestScore, magnitude);
  }
  const double top = *std::max_element(score.begin(), score.end());
  double sum = 0;
  std::vector<double> out(s.width);
  for (int64_t j = 0; j < keys; ++j) {
    const double weight = std::exp(score[j] - top);
    sum += weight;
    for (int64_t d = 0; d < s.width; ++d)
      out[d] += weight * row(p.v, b * s.keys + j)[d];
  }
  for (double& x : out)
    x /= sum;
  return out;
}

std::vector<float> attend(const std::string& isa, bool bf16, const Problem& p,
                          Random& random) {
  const auto params = p.shape.params();
  const int64_t size = p.shape.batch * p.shape.queries * p.pitch;
  const CpuKernel& kernel =
      kernelOf(isa, bf16 ? "attention.bf16" : "attention.f32");
  const auto order = random.shuffled(kernel.workItems(params));
  std::vector<float> out(size, -1.f);
  if (!bf16) {
    runKernel(kernel,
              {view(p.q, p.pitch), view(p.k, p.pitch), view(p.v, p.pitch),
               view(out, p.pitch)},
              params, order);
    return out;
  }
  const auto q = toBF16(p.q), k = toBF16(p.k), v = toBF16(p.v);
  std::vector<uint16_t> narrow = toBF16(out);
  runKernel(kernel,
            {view(q, p.pitch), view(k, p.pitch), view(v, p.pitch),
             view(narrow, p.pitch)},
            params, order);
  return fromBF16(narrow);
}

class AttentionTest : public ::testing::TestWithParam<std::string> {};

void compare(const std::string& isa, const Shape& s, bool bf16, float spread) {
  Random random;
  SCOPED_TRACE("seed " + std::to_string(random.seed()) + " queries " +
               std::to_string(s.queries) + " width " + std::to_string(s.width));
  Problem p = makeProblem(s, random, spread);
  if (bf16)
    for (auto* x : {&p.q, &p.k, &p.v})
      *x = fromBF16(toBF16(*x));
  const auto out = attend(isa, bf16, p, random);
  for (int64_t b = 0; b < s.batch; ++b)
    for (int64_t i = 0; i < s.queries; ++i) {
      const float* row = out.data() + (b * s.queries + i) * p.pitch;
      for (int64_t h = 0; h < s.heads; ++h) {
        double largest = 1;
        const auto expected = reference(p, b, i, h, &largest);
        for (int64_t d = 0; d < s.width; ++d) {
          const double rounding = bf16 ? std::abs(expected[d]) / 256 : 0;
          ASSERT_NEAR(row[h * s.width + d], expected[d],
                      rounding + 2e-6 + 5e-7 * largest)
              << (bf16 ? "bf16" : "f32") << " query " << i << " head " << h;
        }
      }
      for (int64_t c = s.heads * s.width; c < p.pitch; ++c)
        ASSERT_EQ(row[c], -1.f) << "wrote between rows";
    }
}

TEST_P(AttentionTest, AgreesWithSoftmaxInDouble) {
  for (const Shape& shape : kShapes)
    for (const bool bf16 : {false, true})
      compare(GetParam(), shape, bf16, 1);
}

TEST_P(AttentionTest, LargeScoresDoNotOverflow) {
  compare(GetParam(), {1, 40, 210, 2, 40, false, 10}, false, 20);
}

TEST_P(AttentionTest, EqualScoresGiveTheMean) {
  const Shape s = {1, 64, 200, 1, 8, false, 1};
  Random random;
  Problem p = makeProblem(s, random, 0);
  for (float& x : p.v)
    x = 0.75f;
  const auto out = attend(GetParam(), false, p, random);
  for (int64_t i = 0; i < s.queries; ++i)
    for (int64_t d = 0; d < s.width; ++d)
      ASSERT_FLOAT_EQ(out[i * p.pitch + d], 0.75f);
}

TEST_P(AttentionTest, NaNInOneHeadStaysThere) {
  const Shape s = {1, 20, 100, 2, 40, false, 0.2};
  Random random;
  Problem p = makeProblem(s, random, 1);
  p.k[50 * p.pitch + 3] = std::nanf("");
  const auto out = attend(GetParam(), false, p, random);
  for (int64_t i = 0; i < s.queries; ++i) {
    EXPECT_TRUE(std::isnan(out[i * p.pitch]));
    EXPECT_TRUE(std::isfinite(out[i * p.pitch + s.width]));
  }
}

TEST_P(AttentionTest, RefusesCausalCrossAttention) {
  const Shape s = {1, 4, 5, 1, 8, true, 1};
  EXPECT_NE(kernelOf(GetParam(), "attention.f32").check(s.params()), "");
}

INSTANTIATE_TEST_SUITE_P(Isa, AttentionTest,
                         ::testing::ValuesIn(instructionSets()),
                         [](const auto& info) { return info.param; });

} // namespace
} // namespace burin::kernels::testing
