// SPDX-License-Identifier: Apache-2.0
// Lines of bench/shapes as launches on a card, in bf16.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/support/shapes.h"
#include "kernels/cuda/contract/geometry.h"
#include "kernels/cuda/contract/plan.h"
#include "kernels/cuda/plan.h"

namespace burin::bench {

struct CaseSlice {
  kernels::cuda::SliceInfo info;
  bool written = false;

  int64_t bytes() const; // from the first element to the last
};

// Before the launch of a case, on some of its slices.
struct FirstLaunch {
  kernels::cuda::LaunchPlan plan;
  std::vector<size_t> slices;
};

// A launch, or two, and what they read and write.
struct KernelCase {
  kernels::cuda::LaunchPlan plan;
  std::vector<CaseSlice> slices;
  std::optional<FirstLaunch> first = {};
  double flops = 0; // that are really done

  double bytes() const; // read and written once
};

// What a case does beside its kernel.
enum class Following {
  kPlain,   // bias, where the kind has one
  kNetwork, // a contraction that does not widen adds a residual, a linear
            // layer that widens eightfold multiplies values by gelu(gates),
            // GroupNorm goes through SiLU
};

// Every kind's first size counts samples or their rows.
ShapeRow withBatch(ShapeRow row, int64_t batch);
// "conv 3 64 64 320 320 3 1 1 1"
std::string shapeKey(const ShapeRow& row);

bool isContraction(const ShapeRow& row);
// Whether the network multiplies its values by its gates.
bool isGated(const ShapeRow& row);
// ContractParam of a conv or linear.
std::vector<int64_t> contractParams(const ShapeRow& row);
// As the tuned table knows it, gates as in the network.
Result<kernels::cuda::ContractGeometry> geometryOf(const ShapeRow& row);

// `options` are for contractions.
Result<KernelCase>
kernelCase(const ShapeRow& row, Following following,
           const kernels::cuda::Target& target,
           const kernels::cuda::ContractOptions& options = {});

} // namespace burin::bench
