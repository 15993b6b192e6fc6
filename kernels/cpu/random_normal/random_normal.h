// SPDX-License-Identifier: Apache-2.0
// Standard normals from a counter; contracts.h says what it does.
#pragma once

#include "kernels/catalog.h"

namespace burin::kernels {

std::string_view checkRandomNormal(std::span<const int64_t> params);
int64_t randomNormalItems(std::span<const int64_t> params);
void randomNormal(const CallArgs& args, int64_t begin, int64_t end);

} // namespace burin::kernels
