// SPDX-License-Identifier: Apache-2.0
// Text of the warpgroup products that attention_sm90.cuh and gradient_sm90.cuh
// declare: an instruction for each size, with every accumulator spelled out.
#pragma once

#include <string>

namespace burin::kernels::cuda {

// ScoreProduct<n>, HeldScoreProduct<n> and OutputProduct<n>, n a multiple of 8
// up to 256; elements are f16 where `half`, else bf16.
std::string scoreProduct(int n, bool half);
std::string heldScoreProduct(int n, bool half);
std::string outputProduct(int n, bool half);

// AlongProduct<n>, of weight gradients: both operands lie along the summed
// dimension.
std::string alongProduct(int n, bool half);

} // namespace burin::kernels::cuda
