// SPDX-License-Identifier: Apache-2.0
// Rows of a table by index; contracts.h says what it does.
#pragma once

#include "kernels/catalog.h"

namespace burin::kernels {

std::string_view checkGatherRows(std::span<const int64_t> params);
int64_t gatherRowsItems(std::span<const int64_t> params);
void gatherRows(const CallArgs& args, int64_t begin, int64_t end);

} // namespace burin::kernels
