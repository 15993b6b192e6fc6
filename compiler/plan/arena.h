// SPDX-License-Identifier: Apache-2.0
// Puts buffers of known lifetime into one arena.
#pragma once

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>
#include <string>
#include <vector>

namespace burin {

// Every buffer starts on a cache line.
inline constexpr int64_t kArenaAlignment = 64;

struct ArenaBuffer {
  int64_t bytes = 0;
  // The steps that use it, first and last included.
  int64_t first = 0;
  int64_t last = 0;
  int64_t offset = 0; // the answer
};

// Buffer `result` may be the same memory as buffer `source`, of equal size,
// if `source` dies in the step in which `result` is born.
struct ArenaSharing {
  size_t source;
  size_t result;
};

// Merges the buffers of each permitted sharing, which come in the order of
// steps: the first of a chain lives as long as all of it, the others have no
// bytes left. The answer is, for each buffer, the one whose offset counts.
std::vector<size_t> shareBuffers(llvm::MutableArrayRef<ArenaBuffer> buffers,
                                 llvm::ArrayRef<ArenaSharing> sharings);

// Sets every offset and returns the arena's size: large buffers first, each
// into the smallest gap that its lifetime leaves.
int64_t planArena(llvm::MutableArrayRef<ArenaBuffer> buffers);

// Two buffers that are alive in one step and share a byte, as a message, or
// nothing. Planning checks itself with it.
std::string findOverlap(llvm::ArrayRef<ArenaBuffer> buffers);

} // namespace burin
