// SPDX-License-Identifier: Apache-2.0
// The way of host data to a card: two pinned buffers, of which one is written
// while the card reads the other.
#pragma once

#include <array>

#include "runtime/device/cuda/cuda_context.h"

namespace burin::cuda {

class Staging {
public:
  explicit Staging(CudaContext& context) : context_(context) {}
  ~Staging();
  // Queues a transfer. Waits only for the reuse of a buffer that is full.
  Status upload(std::byte* target, std::span<const std::byte> source);

private:
  static constexpr size_t kBytes = size_t{16} << 20;
  struct Half {
    std::byte* data = nullptr;
    Event emptied = nullptr; // set when the card has read all of it
    size_t used = 0;
  };

  Status open();
  Status turn();

  CudaContext& context_;
  std::array<Half, 2> halves_;
  size_t current_ = 0;
};

} // namespace burin::cuda
