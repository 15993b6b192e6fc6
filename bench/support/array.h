// SPDX-License-Identifier: Apache-2.0
// Memory as the runtime hands it to kernels: on large pages where it is large.
#pragma once

#include <cstddef>
#include <memory>

namespace burin::bench {

struct Free {
  void operator()(std::byte* data) const;
};
using Array = std::unique_ptr<std::byte, Free>;

// Zeroed, at least 64-byte aligned; ends the program where memory is short.
Array makeArray(size_t bytes);

} // namespace burin::bench
