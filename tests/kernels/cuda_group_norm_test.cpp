// SPDX-License-Identifier: Apache-2.0
// Plans of GroupNorm: who reads what, what fits where, and whether the texts
// compile.
#include "gtest/gtest.h"

#include "kernels/cpu/contracts.h"
#include "kernels/cuda/group_norm/partition.h"
#include "kernels/cuda/group_norm/plan.h"
#include "tests/kernels/cuda_compile.h"

namespace burin::kernels::cuda {
namespace {

using testing::expectCompiles;

const Target kHopper = {"sm_90a", 90};
const Target kAmpere = {"sm_80", 80};

struct Shape {
  int64_t batch, pixels, channels, groups;
  DType dtype = DType::kBF16;
};

// Stable Diffusion's UNet and VAE, and odd ones.
const Shape kShapes[] = {
    {3, 4096, 320, 32},
    {1, 4096, 320, 32},
    {3, 4096, 960, 32},
    {3, 4096, 640, 32},
    {3, 1024, 640, 32},
    {3, 1024, 1920, 32},
    {3, 256, 2560, 32},
    {3, 64, 1280, 32},
    {1, 64, 1280, 32},
    {1, 4096, 512, 32},
    {1, 16384, 512, 32},
    {1, 65536, 256, 32},
    {1, 262144, 128, 32},
    {3, 4096, 320, 32, DType::kF32},
    {2, 100, 48, 4, DType::kF16},
    {2, 77, 30, 5},
    {1, 300, 7, 1},
    {1, 50, 13, 13, DType::kF32},
    {2, 33, 24, 8},
    {1, 9, 8192, 2},
};

std::vector<int64_t> paramsOf(const Shape& s, DType affine) {
  return {s.batch,  s.pixels,         s.channels,
          s.groups, doubleBits(1e-5), static_cast<int64_t>(affine)};
}

SliceInfo sliceOf(const Shape& s) {
  return {s.dtype, s.batch * s.pixels, s.channels, s.channels, 64};
}

std::vector<SliceInfo> affineSlices(const Shape& s, DType affine) {
  const SliceInfo row = {affine, 1, s.channels, s.channels, 64};
  const SliceInfo factor = {DType::kF32, s.batch, s.channels, s.channels, 64};
  return {sliceOf(s), row, row, factor, factor};
}

std::string describe(const Shape& s) {
  return std::to_string(s.batch) + " x " + std::to_string(s.pixels) + " x " +
         std::to_string(s.channels) + " in " + std::to_string(s.groups) + " " +
         std::string(name(s.dtype));
}

// What moments.cuh makes of a partition: every element of x is read by one
// thread, and the groups of a vector are all in its block's span.
void expectCoverage(const GroupProblem& p, const GroupPartition& part) {
  std::vector<uint8_t> seen(
      static_cast<size_t>(p.batch * p.pixels * p.channels));
  const int64_t vectors = part.span / part.vector;
  ASSERT_EQ(part.span % part.vector, 0);
  ASSERT_EQ(part.span % p.width, 0);
  ASSERT_LE(part.rows * vectors, part.threads);
  ASSERT_LE(part.threads, 1024);
  ASSERT_EQ(part.threads % 32, 0);
  for (int64_t block = 0; block < part.blocks(p); ++block) {
    const int64_t item = block / part.cluster, rank = block % part.cluster;
    const int64_t image = item / part.spans;
    const int64_t channel = item % part.spans * part.span;
    const int64_t channels = std::min(part.span, p.channels - channel);
    ASSERT_EQ(channels % p.width, 0);
    ASSERT_EQ(channels % part.vector, 0);
    const int64_t first = rank * part.pixelsPerBlock;
    const int64_t pixels =
        std::max<int64_t>(0, std::min(part.pixelsPerBlock, p.pixels - first));
    for (int64_t t = 0; t < part.rows * vectors; ++t) {
      const int64_t vector = t % vectors * part.vector;
      if (vector >= channels)
        continue;
      for (int64_t pixel = t / vectors; pixel < pixels; pixel += part.rows)
        for (int64_t c = 0; c < part.vector; ++c)
          ++seen[static_cast<size_t>((image * p.pixels + first + pixel) *
                                         p.channels +
                                     channel + vector + c)];
    }
  }
  for (const uint8_t times : seen)
    ASSERT_EQ(times, 1);
}

// What stream.cuh makes of one: the image's pieces in turn.
void expectStreamCoverage(const GroupProblem& p, const GroupPartition& part) {
  const int64_t vectors = part.span / part.vector;
  const int64_t piece = part.rows * part.batch;
  const int64_t pieces = (p.pixels + piece - 1) / piece;
  const int64_t blocks = part.shares * part.cluster;
  std::vector<uint8_t> seen(static_cast<size_t>(p.pixels * part.spans));
  ASSERT_EQ(part.vector, 8);
  ASSERT_EQ(part.span % p.width, 0);
  ASSERT_GE(part.spans * part.span, p.channels);
  ASSERT_LT((part.spans - 1) * part.span, p.channels);
  ASSERT_LE(part.rows * vectors, part.threads);
  ASSERT_LE(part.threads, 1024);
  ASSERT_EQ(part.threads % 32, 0);
  ASSERT_EQ(part.keptBytes, 0);
  ASSERT_EQ(part.blocks(p), p.batch * part.spans * blocks);
  ASSERT_LE(momentsBytes(p, part), 48 * 1024);
  for (int64_t block = 0; block < part.spans * blocks; ++block) {
    const int64_t span = block / blocks, rank = block % blocks;
    ASSERT_LT(rank, pieces) << "a block without a piece";
    for (int64_t at = rank; at < pieces; at += blocks)
      for (int64_t i = 0; i < part.batch; ++i)
        for (int64_t row = 0; row < part.rows; ++row) {
          const int64_t pixel = at * piece + i * part.rows + row;
          if (pixel < p.pixels)
            ++seen[static_cast<size_t>(span * p.pixels + pixel)];
        }
  }
  for (const uint8_t times : seen)
    ASSERT_EQ(times, 1);
}

TEST(CudaGroupNorm, EveryElementHasOneReader) {
  for (const Shape& s : kShapes) {
    SCOPED_TRACE(describe(s));
    const auto problem = groupProblem(paramsOf(s, DType::kF32), sliceOf(s));
    ASSERT_TRUE(problem.ok()) << problem.status().message();
    for (const Target& target : {kHopper, kAmpere}) {
      const auto affine = partitionAffine(*problem, target);
      ASSERT_TRUE(affine.ok()) << affine.status().message();
      expectCoverage(*problem, *affine);
      EXPECT_LE(momentsBytes(*problem, *affine), 48 * 1024);
      EXPECT_LE(affine->cluster, target.hasTensorMaps() ? 16 : 1);
      const auto stream = partitionStream(*problem, target);
      if (stream.ok())
        expectStreamCoverage(*problem, *stream);
      else
        EXPECT_NE(s.channels % 8, 0);
    }
    const auto norm = partitionNorm(*problem, kHopper);
    if (norm.ok()) {
      expectCoverage(*problem, *norm);
    } else {
      EXPECT_EQ(norm.status().code(), Code::kUnimplemented);
    }
  }
}

// What a block keeps is what its threads copy, and fits.
TEST(CudaGroupNorm, KeepsWhatFits) {
  for (const Shape& s : kShapes) {
    SCOPED_TRACE(describe(s));
    const auto problem = groupProblem(paramsOf(s, DType::kF32), sliceOf(s));
    const auto norm = partitionNorm(*problem, kHopper);
    if (!norm.ok())
      continue;
    const int64_t steps = (norm->pixelsPerBlock + norm->rows - 1) / norm->rows;
    const auto element = static_cast<int64_t>(byteSize(s.dtype));
    EXPECT_EQ(norm->keptBytes, steps * norm->rows * norm->span * element);
    const int64_t all = norm->keptBytes + momentsBytes(*problem, *norm);
    EXPECT_LE(all, (norm->sharesMultiprocessor ? 113 : 227) * 1024);
    EXPECT_EQ(norm->vector * element % 16, 0);
    EXPECT_EQ(norm->align, 16);
  }
}

TEST(CudaGroupNorm, KeepsTheUNetAndStreamsTheLargestPictures) {
  auto keeps = [](const Shape& s, const Target& target, int64_t pitch) {
    SliceInfo x = sliceOf(s);
    x.pitch = pitch;
    return partitionNorm(*groupProblem(paramsOf(s, DType::kBF16), x), target)
        .ok();
  };
  for (const int64_t channels : {320, 640, 960})
    EXPECT_TRUE(keeps({3, 4096, channels, 32}, kHopper, 2 * channels));
  EXPECT_FALSE(keeps({1, 262144, 128, 32}, kHopper, 128));
  EXPECT_FALSE(keeps({3, 4096, 320, 32}, kAmpere, 320));
  EXPECT_FALSE(keeps({3, 4096, 320, 32}, kHopper, 321));
  EXPECT_FALSE(keeps({1, 300, 7, 1}, kHopper, 7));
}

// Of all cards; the batch makes no other blocks.
TEST(CudaGroupNorm, StreamsWhatItCannotKeep) {
  auto plans = [](Shape s, const Target& target) {
    auto slices = affineSlices(s, DType::kF32);
    slices.resize(3);
    return planGroupNorm(paramsOf(s, DType::kF32), slices, {}, target);
  };
  const Shape large = {1, 262144, 128, 32};
  const auto streamed = plans(large, kHopper);
  ASSERT_TRUE(streamed.ok()) << streamed.status().message();
  ASSERT_TRUE(streamed->moments.has_value());
  EXPECT_EQ(streamed->moments->blocks, streamed->apply.blocks);
  EXPECT_EQ(streamed->moments->cluster, 4u);
  EXPECT_EQ(streamed->apply.cluster, 1u);
  // Two numbers of each cluster for each group.
  EXPECT_EQ(streamed->momentsBytes,
            streamed->apply.blocks[0] / 4 * 32 * 2 * int64_t{sizeof(float)});
  const auto four = plans({4, 262144, 128, 32}, kHopper);
  EXPECT_EQ(four->apply.blocks[0], 4 * streamed->apply.blocks[0]);
  EXPECT_EQ(four->momentsBytes, 4 * streamed->momentsBytes);

  const auto kept = plans({3, 4096, 320, 32}, kHopper);
  ASSERT_TRUE(kept.ok()) << kept.status().message();
  EXPECT_FALSE(kept->moments.has_value());
  const auto older = plans({3, 4096, 320, 32}, kAmpere);
  ASSERT_TRUE(older.ok()) << older.status().message();
  ASSERT_TRUE(older->moments.has_value());
  EXPECT_EQ(older->moments->cluster, 1u);
  EXPECT_EQ(plans({1, 300, 7, 1}, kHopper).status().code(),
            Code::kUnimplemented);
}

TEST(CudaGroupNorm, FillsTheCard) {
  for (const Shape& s : {kShapes[0], kShapes[3], kShapes[4], kShapes[12]}) {
    SCOPED_TRACE(describe(s));
    const auto problem = groupProblem(paramsOf(s, DType::kBF16), sliceOf(s));
    EXPECT_GE(partitionAffine(*problem, kHopper)->blocks(*problem), 128);
    const auto norm = partitionNorm(*problem, kHopper);
    const auto whole = norm.ok() ? norm : partitionStream(*problem, kHopper);
    EXPECT_GE(whole->blocks(*problem), 128);
  }
}

TEST(CudaGroupNorm, RefusesWhatItCannotRead) {
  Shape s = {1, 4, 10, 3};
  EXPECT_EQ(planGroupAffine(paramsOf(s, DType::kF32),
                            affineSlices(s, DType::kF32), kHopper)
                .status()
                .code(),
            Code::kInvalidArgument);
  s.groups = 5;
  EXPECT_EQ(planGroupAffine(paramsOf(s, DType::kF32),
                            affineSlices(s, DType::kF16), kHopper)
                .status()
                .code(),
            Code::kInvalidArgument);
  s.dtype = DType::kI32;
  EXPECT_EQ(planGroupAffine(paramsOf(s, DType::kF32),
                            affineSlices(s, DType::kF32), kHopper)
                .status()
                .code(),
            Code::kUnimplemented);
}

// silu(value + residual), as the compiler would print it.
EpilogueText siluOfSum(const Shape& s) {
  EpilogueText epilogue;
  epilogue.name = "silu_of_sum_" + std::string(name(s.dtype));
  epilogue.slices = 2;
  const std::string type = s.dtype == DType::kF32   ? "float"
                           : s.dtype == DType::kF16 ? "F16"
                                                    : "Bf16";
  epilogue.text = "using Element = " + type + ";\n" + R"(
struct Epilogue {
  static constexpr int kOutputs = )" +
                  std::to_string(s.channels) + R"(;
  static constexpr bool kGated = false;
  struct Operand {
    float residual[8];
  };
  __device__ __forceinline__ Operand fetch(const View* views, int row,
                                           int column) const {
    Operand o;
    loadInput<16>(static_cast<const Element*>(views[0].data) +
                      row * views[0].pitch + column, o.residual);
    return o;
  }
  __device__ __forceinline__ void finish(const View* views, float (&value)[8],
                                         float (&)[8], const Operand& o,
                                         int row, int column) const {
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      const float x = value[i] + o.residual[i];
      value[i] = fast::arithDivf(x, 1.f + fast::mathExp(-x));
    }
    store<16>(static_cast<Element*>(views[1].data) + row * views[1].pitch +
                  column, value);
  }
};
)";
  return epilogue;
}

TEST(CudaGroupNorm, TextsCompileWithoutSpills) {
  if (const auto reason = testing::whyNoCompiler(); !reason.empty())
    GTEST_SKIP() << reason;
  for (const Shape& s : kShapes) {
    SCOPED_TRACE(describe(s));
    const DType affine = s.batch == 2 ? DType::kF64 : s.dtype;
    const auto params = paramsOf(s, affine);
    const auto problem = *groupProblem(params, sliceOf(s));
    for (const Target& target : {kHopper, kAmpere}) {
      const auto plan =
          planGroupAffine(params, affineSlices(s, affine), target);
      ASSERT_TRUE(plan.ok()) << plan.status().message();
      EXPECT_EQ(plan->blocks[0] % plan->cluster, 0u);
      expectCompiles(*plan, target,
                     momentsBytes(problem, *partitionAffine(problem, target)));
    }
    auto slices = affineSlices(s, affine);
    slices.resize(3);
    slices.insert(slices.end(), 2, sliceOf(s));
    for (const Target& target : {kHopper, kAmpere}) {
      const auto plans = planGroupNorm(params, slices, siluOfSum(s), target);
      if (!plans.ok())
        continue;
      EXPECT_EQ(plans->apply.blocks[0] % plans->apply.cluster, 0u);
      const auto part = plans->moments ? partitionStream(problem, target)
                                       : partitionNorm(problem, target);
      expectCompiles(plans->apply, target, momentsBytes(problem, *part));
      if (!plans->moments)
        continue;
      EXPECT_EQ(plans->moments->blocks[0] % plans->moments->cluster, 0u);
      expectCompiles(*plans->moments, target, momentsBytes(problem, *part));
    }
  }
}

} // namespace
} // namespace burin::kernels::cuda
