// SPDX-License-Identifier: Apache-2.0
// The statistics of GroupNorm; contracts.h says what it does.
#pragma once

#include "kernels/catalog.h"
#include "kernels/cpu/isa/isa.h"

namespace burin::kernels {

std::string_view checkGroupAffine(std::span<const int64_t> params);
int64_t groupAffineItems(std::span<const int64_t> params);
size_t groupAffineScratch(std::span<const int64_t> params);
void groupAffineF32(const Isa& isa, const CallArgs& args, int64_t begin,
                    int64_t end, std::byte* scratch);
void groupAffineBF16(const Isa& isa, const CallArgs& args, int64_t begin,
                     int64_t end, std::byte* scratch);

} // namespace burin::kernels
