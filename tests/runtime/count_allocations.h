// SPDX-License-Identifier: Apache-2.0
// For tests that something allocates nothing: link count_allocations.cpp, which
// replaces operator new.
#pragma once

#include <cstddef>

namespace burin {

// How often this thread has called operator new.
size_t allocationCount();

} // namespace burin
