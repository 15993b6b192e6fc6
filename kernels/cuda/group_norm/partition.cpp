// SPDX-License-Identifier: Apache-2.0
// Sizes are chosen so that blocks fill the card: with fewer blocks than
// multiprocessors memory is not kept busy, and beyond that larger pieces cost
// less in barriers.
#include "kernels/cuda/group_norm/partition.h"

#include <algorithm>
#include <initializer_list>
#include <numeric>

#include "kernels/cpu/contracts.h"

namespace burin::kernels::cuda {
namespace {

constexpr int64_t kVector = 8;
// As good as a block for each of an H100's 132 multiprocessors.
constexpr int64_t kEnoughBlocks = 128;
constexpr int64_t kSectorBytes = 32;
// What is smaller was just written and is still in an H100's second-level
// cache, where short pieces cost little.
constexpr int64_t kCachedBytes = 24 << 20;
constexpr int64_t kLargestBlock = 1024;
constexpr int64_t kStaticShared = 48 * 1024;
// Clusters above 8 blocks need the driver's leave for each kernel.
constexpr int64_t kPortableCluster = 8;
constexpr int64_t kLargestCluster = 16;
// A block with fewer pixels is not worth a share in a cluster.
constexpr int64_t kLeastPixels = 64;
// Of an H100 multiprocessor: 227 KiB for a block alone, or for two of them
// 228 KiB less the 1 KiB that the system takes of each.
constexpr int64_t kBlockShared = 227 * 1024;
constexpr int64_t kHalfShared = 113 * 1024;
constexpr int64_t kKeptThreads = 256, kAloneThreads = 512;
// Where x is streamed twice: about two blocks a multiprocessor for an image,
// and clusters that fit two multiprocessors, which lie together in threes and
// fours everywhere; each block of the second launch reads what all clusters of
// the first have written.
constexpr int64_t kStreamThreads = 512, kStreamBlocks = 256;
constexpr int64_t kStreamCluster = 4;
constexpr int64_t kStreamBytes = 64; // that a thread reads at once

int64_t divideUp(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}
int64_t roundUp(int64_t a, int64_t b) {
  return divideUp(a, b) * b;
}
int64_t bytesOfX(const GroupProblem& p) {
  return static_cast<int64_t>(byteSize(p.x));
}
bool vectorizes(const GroupProblem& p) {
  return p.channels % kVector == 0;
}

// The narrowest whole groups and vectors; `least` channels divide it too.
int64_t narrowestSpan(const GroupProblem& p, int64_t least) {
  return std::min(std::lcm(p.width, least), p.channels);
}

// Threads for pieces of `span` channels, about `wanted` of them.
void setThreads(GroupPartition& part, int64_t wanted) {
  const int64_t vectors = part.span / part.vector;
  part.rows = std::clamp<int64_t>(wanted / vectors, 1, part.pixelsPerBlock);
  part.threads = roundUp(part.rows * vectors, 32);
}

void setCluster(const GroupProblem& p, GroupPartition& part, int64_t cluster) {
  part.cluster = cluster;
  part.pixelsPerBlock = divideUp(p.pixels, cluster);
}

int64_t largestUsefulCluster(const GroupProblem& p, int64_t limit) {
  int64_t cluster = 1;
  while (cluster * 2 <= limit && p.pixels >= cluster * 2 * kLeastPixels)
    cluster *= 2;
  return cluster;
}

GroupPartition ofSpan(const GroupProblem& p, int64_t vector, int64_t span) {
  GroupPartition part = {};
  part.shares = 1;
  part.vector = vector;
  part.span = span;
  part.spans = divideUp(p.channels, span);
  // Vectors begin at multiples of their own size in a row.
  const int64_t vectorBytes = vector * bytesOfX(p);
  part.align = std::min({p.align, vectorBytes & -vectorBytes, int64_t{16}});
  return part;
}

// Shared memory for the pixels of a block.
int64_t keptBytes(const GroupProblem& p, const GroupPartition& part) {
  return divideUp(part.pixelsPerBlock, part.rows) * part.rows * part.span *
         bytesOfX(p);
}

// What a span of `span` channels becomes when its pixels stay in shared
// memory, with few blocks of much or more blocks of less; keptBytes is 0 where
// they do not fit.
GroupPartition keepSpan(const GroupProblem& p, int64_t span) {
  GroupPartition part = ofSpan(p, kVector, span);
  part.batch = 4;
  const int64_t portable = largestUsefulCluster(p, kPortableCluster);
  auto tryCluster = [&](int64_t cluster, int64_t threads, int64_t limit) {
    setCluster(p, part, cluster);
    setThreads(part, threads);
    part.keptBytes = keptBytes(p, part);
    part.sharesMultiprocessor =
        limit == kHalfShared && part.threads <= kKeptThreads;
    const int64_t moments = momentsBytes(p, part);
    return moments <= kStaticShared && part.keptBytes + moments <= limit;
  };
  for (int64_t cluster = 1; cluster <= portable; cluster *= 2)
    if (tryCluster(cluster, kKeptThreads, kHalfShared) &&
        (part.blocks(p) >= kEnoughBlocks || cluster == portable))
      return part;
  for (const int64_t cluster : {portable, kLargestCluster})
    if (tryCluster(cluster, kAloneThreads, kBlockShared))
      return part;
  part.keptBytes = 0;
  return part;
}

// What an epilogue's vectors need.
Status checkRows(const GroupProblem& p) {
  const std::string what = "GroupNorm with its application";
  if (!vectorizes(p))
    return unimplemented(what + " needs channels in eights, not " +
                         std::to_string(p.channels));
  if (p.align < 16)
    return unimplemented(what + " needs rows aligned to 16 bytes, not " +
                         std::to_string(p.align));
  return okStatus();
}

} // namespace

int64_t momentsBytes(const GroupProblem& p, const GroupPartition& part) {
  const int64_t runs = p.width % part.vector == 0   ? 1
                       : p.width > part.vector      ? 2
                       : part.vector % p.width == 0 ? part.vector / p.width
                                                    : part.vector;
  const int64_t vectors = part.span / part.vector;
  const int64_t groups = part.span / p.width;
  // Mean and squares of each run; mean, squares, center and inverse of each
  // group; scale and shift; what alignment takes.
  return vectors * runs * part.rows * 8 + groups * 32 + part.span * 8 + 64;
}

Result<GroupProblem> groupProblem(std::span<const int64_t> params,
                                  const SliceInfo& x) {
  const int64_t groups = params[kGroupGroups];
  GroupProblem p = {params[kGroupBatch],
                    params[kGroupPixels],
                    params[kGroupChannels],
                    groups > 0 ? params[kGroupChannels] / groups : 0,
                    bitsToDouble(params[kGroupEpsilon]),
                    x.dtype,
                    static_cast<DType>(params[kGroupAffineDType]),
                    0};
  for (const int64_t size : {p.batch, p.pixels, p.channels, groups})
    if (size < 1 || size > INT32_MAX)
      return invalidArgument("GroupNorm has a size of " + std::to_string(size) +
                             ", needs 1 to 2^31 - 1");
  if (p.channels % groups != 0)
    return invalidArgument("GroupNorm's " + std::to_string(p.channels) +
                           " channels do not divide into " +
                           std::to_string(groups) + " groups");
  if (p.batch > INT32_MAX / p.pixels)
    return unimplemented("GroupNorm over " + std::to_string(p.batch) + " x " +
                         std::to_string(p.pixels) +
                         " rows, a GPU kernel takes 2^31 - 1 at most");
  if (p.x != DType::kF16 && p.x != DType::kBF16 && p.x != DType::kF32)
    return unimplemented("GroupNorm of " + std::string(name(p.x)) +
                         " on a GPU; it takes f16, bf16 and f32");
  const int64_t bits = x.alignment | (x.pitch * bytesOfX(p));
  p.align = bits & -bits;
  return p;
}

Result<GroupPartition> partitionAffine(const GroupProblem& p,
                                       const Target& target) {
  const int64_t vector = vectorizes(p) ? kVector : 1;
  const int64_t cluster =
      largestUsefulCluster(p, target.hasTensorMaps() ? kLargestCluster : 1);
  // Whole sectors of memory; two of them, its burst, where blocks remain
  // enough.
  const int64_t sector =
      std::max(vector, vector > 1 ? kSectorBytes / bytesOfX(p) : vector);
  int64_t span = narrowestSpan(p, sector);
  while (span * bytesOfX(p) < 2 * kSectorBytes && span * 2 <= p.channels &&
         p.batch * divideUp(p.channels, span * 2) * cluster >= kEnoughBlocks)
    span *= 2;
  GroupPartition part = ofSpan(p, vector, span);
  int64_t blocks = 1;
  while (blocks < cluster && p.batch * part.spans * blocks < kEnoughBlocks)
    blocks *= 2;
  setCluster(p, part, blocks);
  setThreads(part, vector > 1 ? kAloneThreads : kKeptThreads);
  // A thread of the largest blocks has registers for little.
  part.batch = part.threads > kAloneThreads ? 1 : 8;
  if (part.threads > kLargestBlock || momentsBytes(p, part) > kStaticShared)
    return unimplemented("GroupNorm with groups of " + std::to_string(p.width) +
                         " channels: its spans of " + std::to_string(span) +
                         " need more than a block's threads or memory");
  return part;
}

Result<GroupPartition> partitionNorm(const GroupProblem& p,
                                     const Target& target) {
  const std::string what = "GroupNorm with its application in one kernel";
  if (!target.hasTensorMaps())
    return unimplemented(what + " needs clusters of blocks (sm_90), not " +
                         target.name);
  BURIN_TRY(checkRows(p));
  const int64_t sectors = kSectorBytes / bytesOfX(p);
  const int64_t wide = narrowestSpan(p, std::max(kVector, sectors));
  const int64_t narrow = narrowestSpan(p, kVector);
  GroupPartition best = keepSpan(p, wide);
  if (best.keptBytes == 0 || best.blocks(p) < kEnoughBlocks ||
      best.cluster > kPortableCluster) {
    const GroupPartition other = keepSpan(p, narrow);
    if (other.keptBytes > 0)
      best = other;
  }
  if (best.keptBytes == 0)
    return unimplemented(what + ": " + std::to_string(p.pixels) +
                         " pixels of a group do not fit the shared memory of " +
                         std::to_string(kLargestCluster) + " blocks");
  const int64_t bytes = p.batch * p.pixels * p.channels * bytesOfX(p);
  if (bytes > kCachedBytes && best.span * bytesOfX(p) < 2 * kSectorBytes)
    return unimplemented(what + " would read memory in pieces of " +
                         std::to_string(best.span * bytesOfX(p)) +
                         " bytes; two passes in longer ones take less time");
  if (best.threads > kAloneThreads)
    return unimplemented(what + " with groups of " + std::to_string(p.width) +
                         " channels; it takes spans of " +
                         std::to_string(kAloneThreads * kVector) + " at most");
  return best;
}

Result<GroupPartition> partitionStream(const GroupProblem& p,
                                       const Target& target) {
  BURIN_TRY(checkRows(p));
  // Whole rows, or as much of them as a block has threads for.
  const int64_t narrow = narrowestSpan(p, kVector);
  const int64_t most = std::max(kStreamThreads * kVector / narrow, int64_t{1});
  GroupPartition part = ofSpan(p, kVector, std::min(narrow * most, p.channels));
  part.pixelsPerBlock = p.pixels;
  setThreads(part, kStreamThreads);
  // A thread of the largest blocks has registers for little.
  part.batch = part.threads > kStreamThreads
                   ? 1
                   : kStreamBytes / (kVector * bytesOfX(p));
  const int64_t pieces = divideUp(p.pixels, part.rows * part.batch);
  const int64_t blocks = std::min(pieces, divideUp(kStreamBlocks, part.spans));
  part.cluster =
      target.hasTensorMaps() && blocks >= kStreamCluster ? kStreamCluster : 1;
  part.shares = blocks / part.cluster;
  if (part.threads > kLargestBlock || momentsBytes(p, part) > kStaticShared)
    return unimplemented("GroupNorm with its application and groups of " +
                         std::to_string(p.width) + " channels: its spans of " +
                         std::to_string(part.span) +
                         " need more than a block's threads or memory");
  return part;
}

} // namespace burin::kernels::cuda
