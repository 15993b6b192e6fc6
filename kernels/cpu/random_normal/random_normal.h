// SPDX-License-Identifier: Apache-2.0
// Standard normals from a counter; contracts.h says what it does.
#pragma once

#include <array>

#include "kernels/catalog.h"

namespace burin::kernels {

// Four random words from a counter and a key (Salmon et al., "Parallel random
// numbers: as easy as 1, 2, 3", 2011).
std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter,
                                   std::array<uint32_t, 2> key);

std::string_view checkRandomNormal(std::span<const int64_t> params);
int64_t randomNormalItems(std::span<const int64_t> params);
void randomNormal(const CallArgs& args, int64_t begin, int64_t end);

} // namespace burin::kernels
