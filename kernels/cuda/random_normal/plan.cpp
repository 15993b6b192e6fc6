// SPDX-License-Identifier: Apache-2.0
// A thread for every four normals.
#include "kernels/cuda/random_normal/plan.h"

#include "kernels/cpu/contracts.h"

namespace burin::kernels::cuda {
namespace {

constexpr int64_t kThreads = 128;
constexpr int64_t kPerBlock = kThreads * 4;
constexpr int64_t kMostNormals = kPerBlock * INT32_MAX;

// As random_normal.cuh declares it.
struct RandomNormal {
  int64_t count;
};

} // namespace

Result<LaunchPlan> planRandomNormal(std::span<const int64_t> params,
                                    std::span<const SliceInfo> slices,
                                    const Target&) {
  if (params.size() != kRandomParamCount || slices.size() != 2)
    return invalidArgument("random_normal takes 1 parameter and 2 slices");
  const int64_t count = params[kRandomCount];
  if (count < 1 || count > kMostNormals)
    return invalidArgument("random_normal has a count of " +
                           std::to_string(count) + ", needs 1 to " +
                           std::to_string(kMostNormals));
  LaunchPlan plan;
  plan.symbol = "random_normal_f32";
  plan.source = "#include \"random_normal/random_normal.cuh\"\n"
                "extern \"C\" __global__ void __launch_bounds__(" +
                std::to_string(kThreads) +
                ")\nrandom_normal_f32(const __grid_constant__ Views<2> views,\n"
                "    const __grid_constant__ RandomNormal r) {\n"
                "  randomNormal(views.view, r);\n}\n";
  plan.blocks[0] = static_cast<uint32_t>((count + kPerBlock - 1) / kPerBlock);
  plan.threads = kThreads;
  plan.constants = bytesOf(RandomNormal{count});
  return plan;
}

} // namespace burin::kernels::cuda
