// SPDX-License-Identifier: Apache-2.0
// Contractions against a naive double loop, over every shape of trouble: odd
// sizes, pitches, padding, stride, enlarged inputs, few channels.
#include <bit>
#include <cmath>
#include <cstring>

#include "gtest/gtest.h"

#include "kernels/cpu/contracts.h"
#include "tests/kernels/harness.h"

namespace burin::kernels::testing {
namespace {

struct Shape {
  int64_t batch, outHeight, outWidth, inHeight, inWidth, channels;
  int64_t kernelHeight, kernelWidth, stride, padTop, padLeft, upsample;
  int64_t outChannels;

  std::vector<int64_t> params() const {
    return {batch,    outHeight,    outWidth,    inHeight, inWidth,
            channels, kernelHeight, kernelWidth, stride,   padTop,
            padLeft,  upsample,     outChannels};
  }
  int64_t rows() const { return batch * outHeight * outWidth; }
  int64_t inRows() const { return batch * inHeight * inWidth; }
  int64_t depth() const { return channels * kernelHeight * kernelWidth; }
};

Shape linear(int64_t rows, int64_t channels, int64_t outChannels) {
  return {1, 1, rows, 1, rows, channels, 1, 1, 1, 0, 0, 1, outChannels};
}

const Shape kShapes[] = {
    linear(1, 1, 1),
    linear(1, 320, 1280),
    linear(3, 320, 130),
    linear(77, 768, 320),
    linear(200, 129, 64),
    linear(65, 257, 48),
    {1, 8, 8, 8, 8, 40, 3, 3, 1, 1, 1, 1, 70},
    {2, 7, 5, 7, 5, 33, 3, 3, 1, 1, 1, 1, 17},
    {3, 5, 4, 9, 7, 64, 3, 3, 2, 1, 1, 1, 96},
    {1, 8, 8, 16, 16, 32, 3, 3, 2, 0, 0, 1, 33}, // padded below, right only
    {2, 10, 6, 5, 3, 36, 3, 3, 1, 1, 1, 2, 20},
    {3, 26, 34, 13, 17, 40, 3, 3, 1, 1, 1, 2, 70}, // these three fold
    {1, 2, 2, 1, 1, 64, 3, 3, 1, 1, 1, 2, 16},
    {2, 40, 6, 20, 3, 5, 3, 3, 1, 1, 1, 2, 130},
    {1, 10, 6, 5, 3, 36, 3, 3, 1, 0, 1, 2, 20}, // and this one does not
    {1, 9, 12, 3, 4, 7, 3, 3, 1, 1, 1, 3, 5},
    {1, 16, 16, 16, 16, 3, 3, 3, 1, 1, 1, 1, 128},
    {2, 15, 13, 15, 13, 4, 3, 3, 1, 1, 1, 1, 320},
    {1, 20, 20, 20, 20, 8, 3, 3, 1, 1, 1, 1, 4},
    {1, 4, 4, 8, 8, 31, 2, 2, 2, 0, 0, 1, 65},
    {1, 5, 9, 5, 9, 130, 1, 5, 1, 0, 2, 1, 3},
    {1, 3, 3, 3, 3, 3, 7, 7, 1, 3, 3, 1, 16},
    {3, 14, 14, 28, 28, 3, 14, 14, 2, 6, 6, 1, 80},
};

// out[m, n] and the number of times that each element was handed over.
void keepTile(const View* slices, const float* tile, int64_t ld, int64_t row,
              int64_t rows, int64_t column, int64_t columns) {
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j) {
      const int64_t at = (row + i) * slices[0].pitch + column + j;
      static_cast<float*>(slices[0].data)[at] = tile[i * ld + j];
      static_cast<int*>(slices[1].data)[at] += 1;
    }
}

struct Problem {
  Shape shape;
  int64_t pitch;
  std::vector<float> input, weights;

  // The element that tap (ky, kx) of output row m reads, or nothing.
  const float* at(int64_t m, int64_t ky, int64_t kx) const {
    const Shape& s = shape;
    const int64_t x = m % s.outWidth * s.stride + kx - s.padLeft;
    const int64_t y = m / s.outWidth % s.outHeight * s.stride + ky - s.padTop;
    const int64_t image = m / s.outWidth / s.outHeight;
    if (x < 0 || y < 0 || x >= s.inWidth * s.upsample ||
        y >= s.inHeight * s.upsample)
      return nullptr;
    const int64_t row =
        (image * s.inHeight + y / s.upsample) * s.inWidth + x / s.upsample;
    return input.data() + row * pitch;
  }
};

// Element (m, n) and the sum of the magnitudes of its terms.
std::pair<double, double> reference(const Problem& p, int64_t m, int64_t n) {
  const Shape& s = p.shape;
  double sum = 0, magnitude = 0;
  for (int64_t ky = 0; ky < s.kernelHeight; ++ky)
    for (int64_t kx = 0; kx < s.kernelWidth; ++kx)
      if (const float* a = p.at(m, ky, kx))
        for (int64_t c = 0; c < s.channels; ++c) {
          const int64_t w =
              ((n * s.channels + c) * s.kernelHeight + ky) * s.kernelWidth + kx;
          const double term = double{a[c]} * p.weights[w];
          sum += term;
          magnitude += std::abs(term);
        }
  return {sum, magnitude};
}

// The weights as [channel][output][tap], taps in reverse.
std::vector<float> transposed(const Problem& p) {
  const Shape& s = p.shape;
  const int64_t taps = s.kernelHeight * s.kernelWidth;
  std::vector<float> out(p.weights.size());
  for (int64_t n = 0; n < s.outChannels; ++n)
    for (int64_t c = 0; c < s.channels; ++c)
      for (int64_t t = 0; t < taps; ++t)
        out[(c * s.outChannels + n) * taps + taps - 1 - t] =
            p.weights[(n * s.channels + c) * taps + t];
  return out;
}

// Packs, from either order of the weights, and multiplies on the instruction
// set; checks that tiles cover the product once.
std::vector<float> contract(const std::string& isa, bool bf16, const Problem& p,
                            Random& random, DType weightType) {
  const Shape& s = p.shape;
  const std::string suffix = bf16 ? "bf16" : "f32";
  const DType dtype = bf16 ? DType::kBF16 : DType::kF32;
  const std::vector<uint16_t> inputBF16 = toBF16(p.input);
  const bool transposes = random.whole(0, 1) == 1;
  const std::vector<float> source = transposes ? transposed(p) : p.weights;
  const std::vector<uint16_t> weightsBF16 = toBF16(source);
  const bool folds = contractFolds(s.params(), dtype);
  std::vector<std::byte> packed(
      packedContractBytes(s.outChannels, s.channels, s.kernelHeight,
                          s.kernelWidth, dtype, folds),
      std::byte{0xff});

  const CpuKernel& pack = kernelOf(
      isa, (transposes ? "pack_transposed." : "pack_contract.") + suffix);
  const std::vector<int64_t> packParams = {s.outChannels,
                                           s.channels,
                                           s.kernelHeight,
                                           s.kernelWidth,
                                           static_cast<int64_t>(weightType),
                                           folds};
  const View weights =
      weightType == DType::kBF16 ? view(weightsBF16, 1) : view(source, 1);
  runKernel(pack, {weights, view(packed, 1)}, packParams,
            random.shuffled(pack.workItems(packParams)));

  std::vector<float> out(s.rows() * s.outChannels, std::nanf(""));
  std::vector<int> count(out.size());
  const View epilogueSlices[] = {view(out, s.outChannels),
                                 view(count, s.outChannels)};
  const CpuKernel& kernel = kernelOf(isa, "contract." + suffix);
  const View input = bf16 ? view(inputBF16, p.pitch) : view(p.input, p.pitch);
  runKernel(kernel, {input, view(packed, 1)}, s.params(),
            random.whole(0, 1) == 1
                ? random.shuffled(kernel.workItems(s.params()))
                : std::vector<int64_t>{},
            keepTile, epilogueSlices);
  EXPECT_EQ(std::count(count.begin(), count.end(), 1),
            static_cast<int64_t>(count.size()));
  return out;
}

std::string describe(const Shape& s, const Random& random) {
  std::string text = "seed " + std::to_string(random.seed()) + " shape";
  for (const int64_t p : s.params())
    text += " " + std::to_string(p);
  return text;
}

class ContractTest : public ::testing::TestWithParam<std::string> {};

TEST_P(ContractTest, WholeNumbersBitForBit) {
  for (const Shape& shape : kShapes)
    for (const bool bf16 : {false, true}) {
      Random random;
      SCOPED_TRACE(describe(shape, random));
      const int64_t pitch = shape.channels + random.whole(0, 9);
      // Between rows lies poison: what a kernel must not read or must ignore.
      Problem p{shape, pitch, random.wholes(shape.inRows() * pitch, 3),
                random.wholes(shape.outChannels * shape.depth(), 3)};
      for (int64_t i = 0; i < shape.inRows(); ++i)
        for (int64_t c = shape.channels; c < pitch; ++c)
          p.input[i * pitch + c] = std::nanf("");
      const auto out =
          contract(GetParam(), bf16, p, random,
                   random.whole(0, 1) ? DType::kBF16 : DType::kF32);
      for (int64_t m = 0; m < shape.rows(); ++m)
        for (int64_t n = 0; n < shape.outChannels; ++n)
          ASSERT_EQ(out[m * shape.outChannels + n], reference(p, m, n).first)
              << (bf16 ? "bf16" : "f32") << " at " << m << ", " << n;
    }
}

// How far a sum of terms with these magnitudes may be from the exact one, as
// a random walk of the partial sums' roundings. A sum far from zero, as one in
// millions is, had partial sums as large as itself.
double rounding(double sum, double magnitude) {
  return 4e-7 * (magnitude + std::abs(sum));
}

TEST_P(ContractTest, RealNumbersWithinRounding) {
  for (const Shape& shape : kShapes)
    for (const bool bf16 : {false, true}) {
      Random random;
      SCOPED_TRACE(describe(shape, random));
      const int64_t pitch = shape.channels + random.whole(0, 9);
      Problem p{shape, pitch, random.normals(shape.inRows() * pitch),
                random.normals(shape.outChannels * shape.depth())};
      if (bf16) {
        p.input = fromBF16(toBF16(p.input));
        p.weights = fromBF16(toBF16(p.weights));
      }
      const auto out = contract(GetParam(), bf16, p, random, DType::kF32);
      for (int64_t m = 0; m < shape.rows(); ++m)
        for (int64_t n = 0; n < shape.outChannels; ++n) {
          const auto [value, magnitude] = reference(p, m, n);
          ASSERT_NEAR(out[m * shape.outChannels + n], value,
                      rounding(value, magnitude))
              << (bf16 ? "bf16" : "f32") << " at " << m << ", " << n;
        }
    }
}

TEST_P(ContractTest, SampleDoesNotDependOnItsBatch) {
  Shape alone = {1, 13, 11, 13, 11, 100, 3, 3, 1, 1, 1, 1, 72};
  Shape three = alone;
  three.batch = 3;
  for (const bool bf16 : {false, true}) {
    Random random;
    SCOPED_TRACE(describe(three, random));
    const Problem all{three, 100, random.normals(three.inRows() * 100),
                      random.normals(three.outChannels * three.depth())};
    const auto together = contract(GetParam(), bf16, all, random, DType::kF32);
    for (int64_t i = 0; i < 3; ++i) {
      const int64_t size = alone.inRows() * 100;
      const auto first = all.input.begin() + i * size;
      const Problem one{alone, 100, {first, first + size}, all.weights};
      const auto single = contract(GetParam(), bf16, one, random, DType::kF32);
      ASSERT_EQ(std::memcmp(single.data(), together.data() + i * single.size(),
                            single.size() * sizeof(float)),
                0);
    }
  }
}

TEST_P(ContractTest, RowsOfLinearWeightsMayLieApart) {
  for (const char* name : {"pack_contract.f32", "pack_transposed.f32"}) {
    Random random;
    const int64_t rows = 70, columns = 33, pitch = 41;
    const std::vector<float> apart = random.normals(rows * pitch);
    std::vector<float> touching;
    for (int64_t i = 0; i < rows; ++i)
      touching.insert(touching.end(), apart.begin() + i * pitch,
                      apart.begin() + i * pitch + columns);
    const bool transposes = std::string_view(name) == "pack_transposed.f32";
    const int64_t outputs = transposes ? columns : rows;
    const int64_t channels = transposes ? rows : columns;
    const std::vector<int64_t> params = {
        outputs, channels, 1, 1, static_cast<int64_t>(DType::kF32), 0};
    std::vector<float> one(
        packedContractBytes(outputs, channels, 1, 1, DType::kF32) / 4);
    std::vector<float> other(one.size());
    const CpuKernel& pack = kernelOf(GetParam(), name);
    runKernel(pack, {view(apart, pitch), view(one, 1)}, params);
    runKernel(pack, {view(touching, columns), view(other, 1)}, params);
    EXPECT_EQ(one, other) << name;
  }
}

// The gradient of the weights, and of each the sum of the terms' magnitudes.
std::pair<std::vector<double>, std::vector<double>>
weightGradient(const Problem& p, const std::vector<float>& dy,
               int64_t dyPitch) {
  const Shape& s = p.shape;
  const int64_t taps = s.kernelHeight * s.kernelWidth;
  std::vector<double> sums(s.outChannels * s.depth()), magnitudes(sums.size());
  for (int64_t m = 0; m < s.rows(); ++m)
    for (int64_t t = 0; t < taps; ++t)
      if (const float* x = p.at(m, t / s.kernelWidth, t % s.kernelWidth))
        for (int64_t n = 0; n < s.outChannels; ++n)
          for (int64_t c = 0; c < s.channels; ++c) {
            const double term = double{dy[m * dyPitch + n]} * x[c];
            const int64_t at = (n * s.channels + c) * taps + t;
            sums[at] += term;
            magnitudes[at] += std::abs(term);
          }
  return {sums, magnitudes};
}

TEST_P(ContractTest, WeightGradients) {
  for (const Shape& s : kShapes)
    for (const bool bf16 : {false, true}) {
      Random random;
      SCOPED_TRACE(describe(s, random));
      const int64_t pitch = s.channels + random.whole(0, 9);
      const int64_t dyPitch = s.outChannels + random.whole(0, 9);
      const int64_t dwPitch = s.kernelWidth + random.whole(0, 2);
      Problem p{s, pitch, random.normals(s.inRows() * pitch), {}};
      std::vector<float> dy = random.normals(s.rows() * dyPitch);
      if (bf16)
        for (auto* x : {&p.input, &dy})
          *x = fromBF16(toBF16(*x));
      const auto narrowX = toBF16(p.input), narrowDy = toBF16(dy);
      std::vector<float> dw(
          s.outChannels * s.channels * s.kernelHeight * dwPitch, -1.f);
      const CpuKernel& kernel = kernelOf(
          GetParam(), bf16 ? "weight_gradient.bf16" : "weight_gradient.f32");
      runKernel(kernel,
                {bf16 ? view(narrowX, pitch) : view(p.input, pitch),
                 bf16 ? view(narrowDy, dyPitch) : view(dy, dyPitch),
                 view(dw, dwPitch)},
                s.params(), random.shuffled(kernel.workItems(s.params())));
      const auto [sums, magnitudes] = weightGradient(p, dy, dyPitch);
      for (size_t i = 0; i < sums.size(); ++i) {
        const float value = dw[i / s.kernelWidth * dwPitch + i % s.kernelWidth];
        ASSERT_NEAR(value, sums[i], rounding(sums[i], magnitudes[i]))
            << (bf16 ? "bf16" : "f32") << " element " << i;
      }
    }
}

TEST_P(ContractTest, RefusesImpossibleShapes) {
  const auto& check = kernelOf(GetParam(), "contract.f32").check;
  for (int i = 0; i < kContractParamCount; ++i) {
    auto params = linear(4, 4, 4).params();
    params[i] = -1;
    EXPECT_NE(check(params), "") << "param " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Isa, ContractTest,
                         ::testing::ValuesIn(instructionSets()),
                         [](const auto& info) { return info.param; });

} // namespace
} // namespace burin::kernels::testing
