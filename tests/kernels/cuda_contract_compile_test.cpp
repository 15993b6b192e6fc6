// SPDX-License-Identifier: Apache-2.0
// Every text that contractions print is compiled, and keeps its sums in
// registers.
#include <gtest/gtest.h>

#include <tuple>

#include "kernels/cuda/contract/plan.h"
#include "kernels/cuda/contract/select.h"
#include "tests/kernels/cuda_compile.h"
#include "tests/kernels/cuda_contract_epilogues.h"

namespace burin::kernels::cuda {
namespace {

const Target kHopper{"sm_90a", 90};
const Target kAmpere{"sm_80", 80};

class CudaContractCompile : public ::testing::Test {
protected:
  void SetUp() override {
    if (const std::string reason = testing::whyNoCompiler(); !reason.empty())
      GTEST_SKIP() << reason;
  }

  void expectCompiles(const Result<LaunchPlan>& plan, const Target& target) {
    ASSERT_TRUE(plan.ok()) << plan.status().message();
    const testing::Compiled compiled = testing::compile(*plan, target);
    EXPECT_TRUE(compiled.ok) << plan->symbol << "\n" << compiled.log;
    EXPECT_EQ(compiled.spillBytes, 0) << plan->symbol << "\n" << compiled.log;
    // ptxas says so when it must serialize wgmma or ignore setmaxnreg.
    EXPECT_EQ(compiled.log.find("C75"), std::string::npos) << compiled.log;
    EXPECT_EQ(compiled.log.find("setmaxnreg"), std::string::npos)
        << compiled.log;
  }
};

std::vector<int64_t> linear(int64_t rows, int64_t channels, int64_t outputs) {
  return {1, 1, rows, 1, rows, channels, 1, 1, 1, 0, 0, 1, outputs};
}

TEST_F(CudaContractCompile, EveryTile) {
  for (const ContractTile& tile : contractTileTable()) {
    const SliceInfo input{DType::kBF16, 4096, 1280, 1280, 256};
    const auto p = linear(4096, 1280, 1280);
    expectCompiles(planContract(p, input, residualEpilogue(1280), kHopper,
                                {.tile = tile.name()}),
                   kHopper);
    if (tile.ck == 1 && tile.bn % 64 == 0)
      expectCompiles(planContract(p, input, gatedEpilogue(640), kHopper,
                                  {.tile = tile.name()}),
                     kHopper);
  }
}

std::vector<int64_t> conv3x3(int64_t size, int64_t channels, int64_t outputs) {
  return {1, size, size, size, size, channels, 3, 3, 1, 1, 1, 1, outputs};
}

// The thread that loads has few registers.
TEST_F(CudaContractCompile, EveryTileWithAShortcut) {
  std::vector<int64_t> p = conv3x3(64, 640, 1280);
  p.push_back(1920);
  const SliceInfo input{DType::kBF16, 4096, 640, 640, 256};
  const SliceInfo shortcut{DType::kBF16, 4096, 1920, 1920, 256};
  for (const ContractTile& tile : contractTileTable())
    expectCompiles(planContractShortcut(p, input, shortcut, plainEpilogue(1280),
                                        kHopper, {.tile = tile.name()}),
                   kHopper);
}

TEST_F(CudaContractCompile, HalfPrecision) {
  const SliceInfo input{DType::kF16, 4096, 320, 320, 256};
  expectCompiles(
      planContract(linear(4096, 320, 320), input, plainEpilogue(320), kHopper),
      kHopper);
}

TEST_F(CudaContractCompile, WithoutMatrixUnits) {
  for (DType dtype : {DType::kF32, DType::kBF16, DType::kF16})
    for (const Target& target : {kHopper, kAmpere}) {
      const SliceInfo input{dtype, 4096, 9, 9, 2};
      expectCompiles(
          planContract(linear(4096, 9, 320), input, plainEpilogue(320), target),
          target);
      expectCompiles(
          planContract(linear(4096, 9, 640), input, gatedEpilogue(320), target),
          target);
    }
}

TEST_F(CudaContractCompile, FewChannelsAndFewOutputs) {
  const std::tuple<int64_t, int64_t, int64_t, const char*> kLayers[] = {
      {512, 3, 128, "few_channels"}, {64, 4, 512, "few_channels"},
      {64, 8, 320, "few_channels"},  {64, 5, 24, "few_channels"},
      {512, 128, 3, "few_outputs"},  {64, 320, 4, "few_outputs"},
      {64, 512, 8, "few_outputs"},
  };
  for (const auto& [size, channels, outputs, kernel] : kLayers)
    for (DType dtype : {DType::kBF16, DType::kF16})
      for (const Target& target : {kHopper, kAmpere}) {
        const SliceInfo input{dtype, size * size, channels, channels, 256};
        const auto plan = planContract(conv3x3(size, channels, outputs), input,
                                       residualEpilogue(outputs), target);
        ASSERT_TRUE(plan.ok()) << plan.status().message();
        EXPECT_TRUE(plan->symbol.starts_with(std::string("contract_") + kernel))
            << plan->symbol;
        expectCompiles(plan, target);
      }
}

TEST_F(CudaContractCompile, Packing) {
  for (DType from : {DType::kF32, DType::kBF16, DType::kF16})
    for (DType to : {DType::kF32, DType::kBF16, DType::kF16})
      expectCompiles(
          planPackContract(linear(64, 64, 64), from, 64, 0, to, false, kHopper),
          kHopper);
}

} // namespace
} // namespace burin::kernels::cuda
