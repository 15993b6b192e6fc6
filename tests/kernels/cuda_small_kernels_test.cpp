// SPDX-License-Identifier: Apache-2.0
// Plans of GroupNorm, gathered rows and normals: who does what, and whether
// the texts compile.
#include <cstring>

#include "gtest/gtest.h"

#include "kernels/cpu/contracts.h"
#include "kernels/cuda/gather_rows/plan.h"
#include "kernels/cuda/group_norm/partition.h"
#include "kernels/cuda/group_norm/plan.h"
#include "kernels/cuda/random_normal/plan.h"
#include "tests/kernels/cuda_compile.h"

namespace burin::kernels::cuda {
namespace {

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

TEST(CudaGroupNorm, FillsTheCard) {
  for (const Shape& s : {kShapes[0], kShapes[3], kShapes[4], kShapes[12]}) {
    SCOPED_TRACE(describe(s));
    const auto problem = groupProblem(paramsOf(s, DType::kBF16), sliceOf(s));
    EXPECT_GE(partitionAffine(*problem, kHopper)->blocks(*problem), 128);
    const auto norm = partitionNorm(*problem, kHopper);
    EXPECT_TRUE(!norm.ok() || norm->blocks(*problem) >= 128);
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

void expectCompiles(const LaunchPlan& plan, const Target& target,
                    int64_t mostShared) {
  SCOPED_TRACE(plan.symbol + " for " + target.name);
  const testing::Compiled compiled = testing::compile(plan, target);
  ASSERT_TRUE(compiled.ok) << compiled.log << plan.source;
  EXPECT_EQ(compiled.spillBytes, 0) << compiled.log;
  EXPECT_LE(compiled.sharedBytes, mostShared) << compiled.log;
  EXPECT_NE(plan.source.find(plan.symbol + "("), std::string::npos);
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
    const auto plan = planGroupNorm(params, slices, siluOfSum(s), kHopper);
    if (!plan.ok())
      continue;
    EXPECT_EQ(plan->blocks[0] % plan->cluster, 0u);
    expectCompiles(*plan, kHopper,
                   momentsBytes(problem, *partitionNorm(problem, kHopper)));
  }
}

struct Rows {
  int32_t rows, perGroup, count, words, elementBytes;
};

Result<LaunchPlan> gather(int64_t width, int64_t bytes, int64_t pitch,
                          int64_t indexBytes) {
  const std::vector<int64_t> params = {12, width, 6, 3, bytes, indexBytes};
  const DType dtype = bytes == 2 ? DType::kBF16 : DType::kF32;
  const std::vector<SliceInfo> slices = {
      {dtype, 12, width, pitch, 64},
      {indexBytes == 8 ? DType::kI64 : DType::kI32, 1, 6, 6, 8},
      {dtype, 6, width, width, 64}};
  return planGatherRows(params, slices, kHopper);
}

// Accesses divide rows and pitches, lanes and blocks cover all rows.
TEST(CudaGatherRows, CoversEveryRow) {
  const std::tuple<int64_t, int64_t, int64_t, int64_t> kCases[] = {
      // width, element bytes, pitch, bytes of an access
      {768, 2, 768, 16}, {768, 2, 772, 8}, {5, 4, 7, 4},
      {5, 2, 5, 2},      {1, 4, 4, 4},     {3, 1, 3, 1},
  };
  for (const auto& [width, bytes, pitch, access] : kCases) {
    const auto plan = gather(width, bytes, pitch, 8);
    ASSERT_TRUE(plan.ok()) << plan.status().message();
    Rows constants;
    ASSERT_EQ(plan->constants.size(), sizeof(constants));
    std::memcpy(&constants, plan->constants.data(), sizeof(constants));
    EXPECT_EQ(constants.words * access, width * bytes);
    EXPECT_EQ(constants.rows, 4);
    EXPECT_EQ(constants.perGroup, 2);
    EXPECT_EQ(constants.count, 6);
    int64_t lanes = 1;
    while (lanes < constants.words && lanes < plan->threads)
      lanes *= 2;
    EXPECT_NE(plan->symbol.find("_" + std::to_string(access) + "_" +
                                std::to_string(lanes) + "_"),
              std::string::npos)
        << plan->symbol;
    EXPECT_GE(plan->blocks[0] * plan->threads, 6 * lanes);
    EXPECT_LT((plan->blocks[0] - 1) * plan->threads, 6 * lanes);
  }
}

TEST(CudaGatherRows, RefusesOtherIndices) {
  EXPECT_EQ(gather(5, 4, 5, 2).status().code(), Code::kInvalidArgument);
}

TEST(CudaRandomNormal, CoversEveryElement) {
  for (const int64_t count : {1, 511, 512, 513, 16384}) {
    const auto plan = planRandomNormal(
        std::vector{count},
        std::vector<SliceInfo>{{DType::kI64, 1, 2, 2, 16},
                               {DType::kF32, 1, count, count, 64}},
        kHopper);
    ASSERT_TRUE(plan.ok()) << plan.status().message();
    EXPECT_GE(plan->blocks[0] * plan->threads * 4, count);
    EXPECT_LT((plan->blocks[0] - 1) * plan->threads * 4, count);
  }
}

TEST(CudaSmallKernels, TextsCompileWithoutSpills) {
  if (const auto reason = testing::whyNoCompiler(); !reason.empty())
    GTEST_SKIP() << reason;
  const auto normals =
      planRandomNormal(std::vector<int64_t>{100},
                       std::vector<SliceInfo>{{DType::kI64, 1, 2, 2, 16},
                                              {DType::kF32, 1, 100, 100, 64}},
                       kHopper);
  for (const Target& target : {kHopper, kAmpere}) {
    expectCompiles(*normals, target, 0);
    for (const int64_t indexBytes : {4, 8}) {
      for (const int64_t bytes : {1, 2, 4})
        expectCompiles(*gather(3, bytes, 3, indexBytes), target, 0);
      expectCompiles(*gather(768, 2, 768, indexBytes), target, 0);
      expectCompiles(*gather(768, 2, 772, indexBytes), target, 0);
    }
  }
}

// Every element type between memory and registers, every scalar function and
// every reduction.
constexpr std::string_view kCommonText = R"(#include "common/rows.cuh"
template <class T, class U, class R, int N, int kAlign>
__device__ void copy(const View* v) {
  R r[N];
  loadInput<kAlign>(static_cast<const T*>(v[0].data) + threadIdx.x * N, r);
  store<kAlign>(static_cast<U*>(v[1].data) + threadIdx.x * N, r);
  load<kAlign>(static_cast<const T*>(v[1].data) + threadIdx.x * N, r);
  store<kAlign>(static_cast<U*>(v[2].data) + threadIdx.x * N, r);
}
template <class R>
__device__ void copies(const View* v) {
  copy<bool, float, R, 8, 16>(v);
  copy<u8, F16, R, 4, 4>(v);
  copy<int, bool, R, 2, 8>(v);
  copy<i64, int, R, 1, 8>(v);
  copy<F16, i64, R, 8, 16>(v);
  copy<Bf16, double, R, 2, 8>(v);
  copy<float, Bf16, R, 8, 8>(v);
  copy<double, u8, R, 8, 16>(v);
}
template <class T>
__device__ void functions(T* p) {
  const T x = p[0], y = p[1];
  p[2] = mathAbsf(x) + mathCos(x) + mathErf(x) + mathExp(x) + mathLog(x) +
         mathPowf(x, y) + mathRsqrt(x) + mathSin(x) + mathSqrt(x) +
         mathTanh(x) + arithDivf(x, y) + arithMaximumf(x, y) +
         arithMinimumf(x, y);
  p[3] = fast::mathAbsf(x) + fast::mathCos(x) + fast::mathErf(x) +
         fast::mathExp(x) + fast::mathLog(x) + fast::mathPowf(x, y) +
         fast::mathRsqrt(x) + fast::mathSin(x) + fast::mathSqrt(x) +
         fast::mathTanh(x) + fast::arithDivf(x, y) +
         fast::arithMaximumf(x, y) + fast::arithMinimumf(x, y);
}
template <int kLanes, class T>
__device__ void reductions(T* p) {
  RowTeam<kLanes> team;
  T* at = p + team.row() * kLanes + team.lane();
  *at = team.sum(*at) + team.prod(*at) + team.max(*at) + team.min(*at);
}
template <int kLanes>
__device__ void allReductions(const View* v) {
  reductions<kLanes>(static_cast<float*>(v[0].data));
  reductions<kLanes>(static_cast<double*>(v[0].data));
  reductions<kLanes>(static_cast<int*>(v[0].data));
  reductions<kLanes>(static_cast<i64*>(v[0].data));
}
extern "C" __global__ void __launch_bounds__(256)
common(const __grid_constant__ Views<3> views) {
  copies<float>(views.view);
  copies<double>(views.view);
  copies<i64>(views.view);
  functions(static_cast<float*>(views.view[0].data));
  functions(static_cast<double*>(views.view[0].data));
  allReductions<8>(views.view);
  allReductions<32>(views.view);
  allReductions<256>(views.view);
}
)";

TEST(CudaCommon, HeadersCompileWithoutSpills) {
  if (const auto reason = testing::whyNoCompiler(); !reason.empty())
    GTEST_SKIP() << reason;
  LaunchPlan plan;
  plan.symbol = "common";
  plan.source = kCommonText;
  for (const Target& target : {kHopper, kAmpere})
    expectCompiles(plan, target, 2 * 8 * (4 + 8 + 4 + 8));
}

} // namespace
} // namespace burin::kernels::cuda
