// SPDX-License-Identifier: Apache-2.0
// Greedy placement by size: within a few percent of the peak of live bytes on
// the networks here, and quadratic in the number of buffers at worst.
#include "compiler/plan/arena.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <map>
#include <numeric>

namespace burin {

std::vector<size_t> shareBuffers(llvm::MutableArrayRef<ArenaBuffer> buffers,
                                 llvm::ArrayRef<ArenaSharing> sharings) {
  std::vector<size_t> owner(buffers.size());
  std::iota(owner.begin(), owner.end(), 0);
  // In the order of steps, so that a chain of sharings has the first as owner.
  for (const ArenaSharing& sharing : sharings) {
    size_t first = owner[sharing.source];
    ArenaBuffer& source = buffers[first];
    ArenaBuffer& result = buffers[sharing.result];
    if (source.bytes != result.bytes || source.last != result.first ||
        owner[sharing.result] != sharing.result || result.bytes == 0)
      continue;
    source.last = result.last;
    result.bytes = 0;
    owner[sharing.result] = first;
  }
  return owner;
}

int64_t planArena(llvm::MutableArrayRef<ArenaBuffer> buffers) {
  std::vector<size_t> order(buffers.size());
  std::iota(order.begin(), order.end(), 0);
  llvm::stable_sort(order, [&](size_t a, size_t b) {
    return buffers[a].bytes > buffers[b].bytes;
  });
  int64_t total = 0;
  std::vector<const ArenaBuffer*> placed; // by offset
  for (size_t index : order) {
    ArenaBuffer& buffer = buffers[index];
    int64_t best = -1, bestGap = INT64_MAX, end = 0;
    for (const ArenaBuffer* other : placed) {
      if (other->last < buffer.first || buffer.last < other->first)
        continue;
      int64_t gap = other->offset - end;
      if (gap >= buffer.bytes && gap < bestGap) {
        best = end;
        bestGap = gap;
      }
      int64_t otherEnd = other->offset + other->bytes;
      end = std::max(
          end, static_cast<int64_t>(llvm::alignTo(otherEnd, kArenaAlignment)));
    }
    buffer.offset = best >= 0 ? best : end;
    total = std::max(total, buffer.offset + buffer.bytes);
    placed.insert(
        llvm::upper_bound(placed, &buffer,
                          [](const ArenaBuffer* a, const ArenaBuffer* b) {
                            return a->offset < b->offset;
                          }),
        &buffer);
  }
  return total;
}

std::string findOverlap(llvm::ArrayRef<ArenaBuffer> buffers) {
  // Sweep over steps; the live buffers, by offset, must stay disjoint.
  std::vector<std::pair<int64_t, size_t>> starts, ends;
  for (auto [i, buffer] : llvm::enumerate(buffers)) {
    if (buffer.bytes == 0)
      continue;
    starts.emplace_back(buffer.first, i);
    ends.emplace_back(buffer.last, i);
  }
  llvm::sort(starts);
  llvm::sort(ends);
  std::map<int64_t, size_t> live;
  auto message = [&](size_t a, size_t b) {
    return "buffers " + std::to_string(a) + " and " + std::to_string(b) +
           " share bytes from " +
           std::to_string(std::max(buffers[a].offset, buffers[b].offset)) +
           " at step " +
           std::to_string(std::max(buffers[a].first, buffers[b].first));
  };
  size_t ended = 0;
  for (auto [step, index] : starts) {
    for (; ended < ends.size() && ends[ended].first < step; ++ended)
      live.erase(buffers[ends[ended].second].offset);
    const ArenaBuffer& buffer = buffers[index];
    auto next = live.lower_bound(buffer.offset);
    if (next != live.end() && next->first < buffer.offset + buffer.bytes)
      return message(index, next->second);
    if (next != live.begin()) {
      size_t before = std::prev(next)->second;
      if (buffers[before].offset + buffers[before].bytes > buffer.offset)
        return message(index, before);
    }
    live[buffer.offset] = index;
  }
  return {};
}

} // namespace burin
