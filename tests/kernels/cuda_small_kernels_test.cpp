// SPDX-License-Identifier: Apache-2.0
// Plans of gathered rows and normals: who does what, and whether the texts
// compile.
#include <cstring>

#include "gtest/gtest.h"

#include "kernels/cuda/gather_rows/plan.h"
#include "kernels/cuda/random_normal/plan.h"
#include "tests/kernels/cuda_compile.h"

namespace burin::kernels::cuda {
namespace {

using testing::expectCompiles;

const Target kHopper = {"sm_90a", 90};
const Target kAmpere = {"sm_80", 80};

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
