// SPDX-License-Identifier: Apache-2.0
// Uploads through pinned memory.
#include "runtime/device/cuda/staging.h"

#include <algorithm>
#include <cstring>

namespace burin::cuda {

Staging::~Staging() {
  for (Half& half : halves_) {
    if (half.emptied)
      context_.driver.eventDestroy(half.emptied);
    if (half.data)
      context_.driver.hostFree(half.data);
  }
}

Status Staging::open() {
  for (Half& half : halves_) {
    if (half.data && half.emptied)
      continue;
    context_.countBlocking();
    if (!half.emptied)
      BURIN_TRY(context_.check(context_.driver.eventCreate(&half.emptied, 0),
                               "making of an event"));
    void* data = nullptr;
    BURIN_TRY(context_.check(context_.driver.hostAlloc(&data, kBytes),
                             "allocation of " + std::to_string(kBytes) +
                                 " bytes of pinned memory"));
    half.data = static_cast<std::byte*>(data);
  }
  return okStatus();
}

Status Staging::turn() {
  Half& full = halves_[current_];
  BURIN_TRY(
      context_.check(context_.driver.eventRecord(full.emptied, context_.stream),
                     "recording of an event"));
  Half& next = halves_[1 - current_];
  if (next.used > 0)
    BURIN_TRY(context_.wait(next.emptied));
  next.used = 0;
  current_ = 1 - current_;
  return okStatus();
}

Status Staging::upload(std::byte* target, std::span<const std::byte> source) {
  constexpr size_t kAlignment = 64;
  BURIN_TRY(open());
  while (!source.empty()) {
    if (halves_[current_].used == kBytes)
      BURIN_TRY(turn());
    Half& half = halves_[current_];
    size_t bytes = std::min(source.size(), kBytes - half.used);
    std::memcpy(half.data + half.used, source.data(), bytes);
    BURIN_TRY(context_.check(
        context_.driver.copyToDevice(pointer(target), half.data + half.used,
                                     bytes, context_.stream),
        "upload of " + std::to_string(bytes) + " bytes"));
    half.used += (bytes + kAlignment - 1) / kAlignment * kAlignment;
    target += bytes;
    source = source.subspan(bytes);
  }
  return okStatus();
}

} // namespace burin::cuda
