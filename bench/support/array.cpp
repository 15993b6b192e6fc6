// SPDX-License-Identifier: Apache-2.0
// See array.h.
#include "bench/support/array.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <sys/mman.h>

namespace burin::bench {

constexpr size_t kLargePage = size_t{2} << 20;

void Free::operator()(std::byte* data) const {
  std::free(data);
}

Array makeArray(size_t bytes) {
  const size_t page = bytes >= kLargePage ? kLargePage : 64;
  const size_t size = (bytes + page - 1) / page * page + page;
  auto* data = static_cast<std::byte*>(std::aligned_alloc(page, size));
  if (!data) {
    std::fprintf(stderr, "cannot allocate %zu bytes for a benchmark\n", size);
    std::exit(1);
  }
  if (page == kLargePage)
    madvise(data, size, MADV_HUGEPAGE);
  std::memset(data, 0, size);
  return Array(data);
}

} // namespace burin::bench
