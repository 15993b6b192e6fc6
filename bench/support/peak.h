// SPDX-License-Identifier: Apache-2.0
// The ceiling that kernels are measured against: what this processor's
// multiply-add units reach on registers alone, now.
#pragma once

#include <string_view>

namespace burin::bench {

// Float32 GFLOP/s of the calling thread with an instruction set of
// kernels::cpuInstructionSets(); takes about two milliseconds.
double multiplyAddPeak(std::string_view instructionSet);

} // namespace burin::bench
