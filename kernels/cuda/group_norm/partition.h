// SPDX-License-Identifier: Apache-2.0
// How GroupNorm's work is shared out over blocks and threads.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/cuda/plan.h"

namespace burin::kernels::cuda {

// A GroupNorm as it is asked for: parameters and the slice of x.
struct GroupProblem {
  int64_t batch, pixels, channels, width; // width: channels of a group
  double epsilon;
  DType x, affine;
  int64_t align; // bytes that divide the address of every row of x
};

// The channels of an image are cut into `spans` spans of `span`, the last one
// as many as are left; a span is whole groups and whole vectors of `vector`
// channels. `shares` clusters of `cluster` blocks share its pixels. One cluster
// does so in equal parts, in order; several take pieces of rows * batch pixels
// in turn, of which each block has one at least. In a block, thread t reads
// vector t % (span / vector) of every rows-th pixel from t / (span / vector),
// `batch` pixels at once.
struct GroupPartition {
  int64_t vector;
  int64_t span;
  int64_t spans;
  int64_t shares;
  int64_t cluster;
  int64_t pixelsPerBlock; // of one cluster
  int64_t rows;
  int64_t threads;
  int64_t batch;
  int64_t align;
  bool sharesMultiprocessor; // two blocks fit one, with what they keep
  // Dynamic shared memory; 0 where nothing is kept.
  int64_t keptBytes;
  int64_t blocks(const GroupProblem& p) const {
    return p.batch * spans * shares * cluster;
  }
};

// Bytes of static shared memory (SharedMoments and SharedFactors), or a little
// more.
int64_t momentsBytes(const GroupProblem& problem,
                     const GroupPartition& partition);

Result<GroupProblem> groupProblem(std::span<const int64_t> params,
                                  const SliceInfo& x);
// For statistics alone: x is streamed.
Result<GroupPartition> partitionAffine(const GroupProblem& problem,
                                       const Target& target);
// For statistics and application: x stays in shared memory.
Result<GroupPartition> partitionNorm(const GroupProblem& problem,
                                     const Target& target);
// For statistics and then application: x is streamed twice. Of an image's
// blocks the number does not depend on the batch.
Result<GroupPartition> partitionStream(const GroupProblem& problem,
                                       const Target& target);

} // namespace burin::kernels::cuda
