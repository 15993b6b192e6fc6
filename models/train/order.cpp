// SPDX-License-Identifier: Apache-2.0
// Fisher and Yates with Philox's words.
#include "models/train/order.h"

#include <numeric>
#include <utility>

#include "runtime/base/philox.h"

namespace burin::train {

size_t Order::at(int64_t position) {
  auto count = static_cast<int64_t>(count_);
  if (int64_t epoch = position / count; epoch != epoch_)
    shuffle(epoch);
  return permutation_[static_cast<size_t>(position % count)];
}

void Order::shuffle(int64_t epoch) {
  permutation_.resize(count_);
  std::iota(permutation_.begin(), permutation_.end(), 0u);
  uint64_t stream =
      streamOf(RandomStream::kOrder, static_cast<uint64_t>(epoch));
  for (uint64_t i = count_; i > 1; --i) {
    // 32 random bits times i, divided by 2^32: below i, each with the same
    // chance to i / 2^32.
    uint64_t bits = philoxWords(seed_, i, stream)[0];
    std::swap(permutation_[i - 1], permutation_[bits * i >> 32]);
  }
  epoch_ = epoch;
}

} // namespace burin::train
