// SPDX-License-Identifier: Apache-2.0
// A counting operator new.
#include "tests/runtime/count_allocations.h"

#include <cstdlib>
#include <new>

namespace {
thread_local size_t allocations = 0;
} // namespace

namespace burin {
size_t allocationCount() {
  return allocations;
}
} // namespace burin

void* operator new(size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size ? size : 1))
    return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}
