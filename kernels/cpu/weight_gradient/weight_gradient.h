// SPDX-License-Identifier: Apache-2.0
// The gradient of a contraction's weights; contracts.h says what it is. Its
// parameters are checked by checkContract.
#pragma once

#include "kernels/catalog.h"
#include "kernels/cpu/isa/isa.h"

namespace burin::kernels {

int64_t weightGradientItemsF32(std::span<const int64_t> params);
int64_t weightGradientItemsBF16(std::span<const int64_t> params);
size_t weightGradientScratchF32(std::span<const int64_t> params);
size_t weightGradientScratchBF16(std::span<const int64_t> params);
void weightGradientF32(const Isa& isa, const CallArgs& args, int64_t begin,
                       int64_t end, std::byte* scratch);
void weightGradientBF16(const Isa& isa, const CallArgs& args, int64_t begin,
                        int64_t end, std::byte* scratch);

} // namespace burin::kernels
