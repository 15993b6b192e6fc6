// SPDX-License-Identifier: Apache-2.0
// Cuts a thread's scratch memory into aligned arrays, and adds up its size by
// the very same code.
#pragma once

#include <cstddef>
#include <cstdint>

namespace burin::kernels {

class Scratch {
public:
  // With null as base only the size is counted.
  explicit Scratch(std::byte* base = nullptr) : base_(base) {}

  template <typename T>
  T* take(int64_t count) {
    std::byte* at = base_ ? base_ + used_ : nullptr;
    const size_t bytes = static_cast<size_t>(count) * sizeof(T);
    used_ += (bytes + 63) / 64 * 64;
    return reinterpret_cast<T*>(at);
  }
  size_t used() const { return used_; }

private:
  std::byte* base_;
  size_t used_ = 0;
};

} // namespace burin::kernels
