// SPDX-License-Identifier: Apache-2.0
// The instructions of kernels/cuda/attention/hopper.cuh on the CPU, so that
// attention_sm90.cuh runs there: each CUDA thread is a thread, copies and
// products happen where they are sent off. What it shows: barriers' phases,
// addresses, masks, tiles, maps. What it cannot show: missing fences and waits.
#pragma once

#include <array>
#include <barrier>
#include <bit>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "kernels/cuda/plan.h"

#define __device__
#define __forceinline__ inline
#define __shared__

#include "kernels/cuda/common/views.cuh"

struct Dimension {
  unsigned x;
};
inline thread_local Dimension threadIdx, blockIdx;
alignas(1024) inline unsigned char dynamicShared[228 * 1024];

namespace emulated {

// Shared addresses begin here, so that the text has to align them.
constexpr u32 kBase = 16;

struct Transactions {
  u32 count, pending;
  int64_t bytes;
  u32 phase;
};
struct Meeting {
  int arrived = 0;
  int64_t generation = 0;
};
// A warp's lanes hand each other values through this.
struct Warp {
  std::barrier<> barrier{32};
  float values[32];
  u32 operands[32][4];
  void meet() { barrier.arrive_and_wait(); }
};
struct HostMap {
  burin::kernels::cuda::MapPlan plan;
  std::vector<u16>* data;
};

// The block that runs; one at a time.
struct Block {
  u32 sharedBytes = 0;
  bool half = false; // f16, else bf16
  std::mutex mutex;
  std::condition_variable changed;
  std::map<u32, Transactions> barriers;
  std::array<Meeting, 16> meetings;
  std::vector<std::unique_ptr<Warp>> warps;
  std::unique_ptr<std::barrier<>> everyone;
};
inline Block* block;

inline Warp& warp() {
  return *block->warps[threadIdx.x / 32];
}
inline u32 lane() {
  return threadIdx.x % 32;
}

[[noreturn]] inline void die(const char* what, u32 value) {
  std::fprintf(stderr, "thread %u of block %u: %s (%u)\n", threadIdx.x,
               blockIdx.x, what, value);
  std::_Exit(1);
}

inline unsigned char* shared(u32 address) {
  if (address < kBase || address >= kBase + block->sharedBytes)
    die("an address outside shared memory", address);
  return dynamicShared + address;
}
// Where the 128-byte swizzle puts an address.
inline u32 swizzled(u32 address) {
  return address ^ ((address >> 7 & 7) << 4);
}
inline float toFloat(u16 bits) {
  return block->half ? burin::f16ToFloat(bits) : burin::bf16ToFloat(bits);
}
inline u16 fromFloat(float value) {
  return block->half ? burin::floatToF16(value) : burin::floatToBf16(value);
}
inline float sharedFloat(u32 address) {
  u16 bits;
  std::memcpy(&bits, shared(swizzled(address)), sizeof(bits));
  return toFloat(bits);
}

inline void wait(std::unique_lock<std::mutex>& lock, u32 name,
                 const std::function<bool()>& done) {
  if (!block->changed.wait_for(lock, std::chrono::minutes(2), done))
    die("waits in vain at barrier", name);
}

// Changes a barrier; it enters its next phase when nothing is outstanding.
inline void update(u32 address, int64_t bytes, u32 arrivals) {
  std::lock_guard lock(block->mutex);
  auto it = block->barriers.find(address);
  if (it == block->barriers.end() || it->second.pending < arrivals)
    die("an arrival that no barrier expects", address);
  Transactions& barrier = it->second;
  barrier.bytes += bytes;
  barrier.pending -= arrivals;
  if (barrier.pending > 0 || barrier.bytes != 0)
    return;
  barrier.phase ^= 1;
  barrier.pending = barrier.count;
  block->changed.notify_all();
}

inline void meet(int id, int threads, bool stay) {
  std::unique_lock lock(block->mutex);
  Meeting& meeting = block->meetings[id];
  const int64_t generation = meeting.generation;
  if (++meeting.arrived == threads) {
    meeting = {0, generation + 1};
    block->changed.notify_all();
  } else if (stay) {
    wait(lock, id, [&] { return meeting.generation != generation; });
  }
}

// Calls copy(shared element, global element or null) over a box.
template <typename Copy>
void forBox(u32 address, const TensorMap& map, std::array<u64, 4> corner,
            Copy copy) {
  const auto& host = *reinterpret_cast<const HostMap*>(map.opaque[0]);
  const auto& plan = host.plan;
  if (address % 1024 != 0)
    die("a box that the swizzle's pattern does not fit", address);
  for (u32 row = 0; row < plan.box[2]; ++row)
    for (u32 column = 0; column < plan.box[0]; ++column) {
      const std::array<u64, 4> at = {corner[0] + column, corner[1],
                                     corner[2] + row, corner[3]};
      bool inside = true;
      u64 offset = at[0] * 2;
      for (size_t d = 0; d < 4; ++d) {
        inside &= at[d] < plan.extents[d];
        offset += d > 0 ? at[d] * plan.strides[d - 1] : 0;
      }
      if (inside && offset / 2 >= host.data->size())
        die("an element outside the slice", row);
      copy(shared(swizzled(address + row * 128 + column * 2)),
           inside ? &(*host.data)[offset / 2] : nullptr);
    }
}

// Elements of an operand by its descriptor.
inline u32 field(u64 operand, int shift) {
  return static_cast<u32>(operand >> shift & 0x3FFF) << 4;
}
inline float across(u64 operand, int row, int k) {
  return sharedFloat(field(operand, 0) + row / 8 * field(operand, 32) +
                     row % 8 * 128 + k * 2);
}
inline float along(u64 operand, int k, int column) {
  return sharedFloat(field(operand, 0) + column / 64 * field(operand, 16) +
                     k / 8 * field(operand, 32) + k % 8 * 128 +
                     column % 64 * 2);
}

// Runs `body` as each thread of each block, one block after another.
template <typename Body>
void runGrid(Block& state, u32 blocks, u32 threads, Body body) {
  block = &state;
  for (u32 b = 0; b < blocks; ++b) {
    std::memset(dynamicShared, 0xff, sizeof(dynamicShared)); // NaN
    state.barriers.clear();
    state.meetings = {};
    state.warps.clear();
    for (u32 w = 0; w < threads / 32; ++w)
      state.warps.push_back(std::make_unique<Warp>());
    state.everyone = std::make_unique<std::barrier<>>(threads);
    std::vector<std::thread> running;
    for (u32 t = 0; t < threads; ++t)
      running.emplace_back([&body, b, t] {
        threadIdx.x = t;
        blockIdx.x = b;
        body();
      });
    for (std::thread& thread : running)
      thread.join();
  }
}

} // namespace emulated

inline u32 sharedAddress(const void* pointer) {
  return static_cast<u32>(static_cast<const unsigned char*>(pointer) -
                          dynamicShared) +
         emulated::kBase;
}
inline void initBarrier(u32 barrier, u32 count) {
  std::lock_guard lock(emulated::block->mutex);
  emulated::shared(barrier + 7);
  emulated::block->barriers[barrier] = {count, count, 0, 0};
}
inline void publishBarriers() {}
inline void expectBytes(u32 barrier, u32 bytes) {
  emulated::update(barrier, bytes, 1);
}
inline void arrive(u32 barrier) {
  emulated::update(barrier, 0, 1);
}
inline void awaitPhase(u32 barrier, u32 parity) {
  std::unique_lock lock(emulated::block->mutex);
  const auto& state = emulated::block->barriers.at(barrier);
  emulated::wait(lock, barrier, [&] { return state.phase != parity; });
}
inline void syncNamed(int id, int threads) {
  emulated::meet(id, threads, true);
}
inline void arriveNamed(int id, int threads) {
  emulated::meet(id, threads, false);
}

inline void loadBox(u32 to, const TensorMap& map, u32 barrier, int column,
                    int head, int token, int image) {
  u32 bytes = 0;
  emulated::forBox(to, map, {u64(column), u64(head), u64(token), u64(image)},
                   [&](unsigned char* element, const u16* from) {
                     const u16 bits = from ? *from : 0;
                     std::memcpy(element, &bits, sizeof(bits));
                     bytes += sizeof(bits);
                   });
  emulated::update(barrier, -int64_t{bytes}, 0);
}
inline void loadBytes(u32 to, const void* from, u32 bytes, u32 barrier) {
  if (to % 16 != 0 || reinterpret_cast<u64>(from) % 16 != 0 || bytes % 16 != 0)
    emulated::die("a copy that is not aligned", to);
  emulated::shared(to + bytes - 1);
  std::memcpy(emulated::shared(to), from, bytes);
  emulated::update(barrier, -int64_t{bytes}, 0);
}
inline void storeBox(u32 from, const TensorMap& map, int column, int head,
                     int token, int image) {
  emulated::forBox(from, map, {u64(column), u64(head), u64(token), u64(image)},
                   [](const unsigned char* element, u16* to) {
                     if (to)
                       std::memcpy(to, element, sizeof(*to));
                   });
}
inline void commitStores() {}
inline void finishReads() {}
inline void finishStores() {}
inline void publishToCopies() {}
inline void storeShared(u32 to, u32 value) {
  std::memcpy(emulated::shared(to), &value, sizeof(value));
}
inline u32 loadShared(u32 from) {
  u32 value;
  std::memcpy(&value, emulated::shared(from), sizeof(value));
  return value;
}
inline void loadShared(u32 from, float (&to)[4]) {
  if (from % 16 != 0)
    emulated::die("a vector that is not aligned", from);
  std::memcpy(to, emulated::shared(from), sizeof(to));
}
inline void storeChunk(u32 to, u32 first) {
  const u32 chunk[4] = {first};
  if (to % 16 != 0)
    emulated::die("a chunk that is not aligned", to);
  std::memcpy(emulated::shared(to), chunk, sizeof(chunk));
}

inline u64 operandBits(u32 address) {
  return static_cast<u64>((address & 0x3FFFF) >> 4) | (64ull << 32);
}
inline u64 operandAcross(u32 address) {
  return operandBits(address);
}
inline u64 operandAlong(u32 address, u32 piece) {
  return operandBits(address) | (static_cast<u64>(piece >> 4) << 16);
}
inline void fenceProducts() {}
inline void commitProducts() {}
// A warp waits as one, so no lane releases what another has yet to await.
template <int kPending>
void awaitProducts() {
  emulated::warp().meet();
}
template <int kCount>
void pin(float (&)[kCount]) {}
inline void hold(u32, u32) {}
template <int kCount>
void giveRegisters() {}
template <int kCount>
void takeRegisters() {}

inline u32 __float_as_uint(float value) {
  return std::bit_cast<u32>(value);
}
inline float __uint_as_float(u32 bits) {
  return std::bit_cast<float>(bits);
}
inline float exp2Fast(float x) {
  return std::exp2(x);
}
template <bool kHalf>
u32 pack(float low, float high) {
  return emulated::fromFloat(low) | static_cast<u32>(emulated::fromFloat(high))
                                        << 16;
}
template <bool kHalf>
float low(u32 both) {
  return emulated::toFloat(static_cast<u16>(both));
}
template <bool kHalf>
float high(u32 both) {
  return emulated::toFloat(static_cast<u16>(both >> 16));
}
// `combine` over the lanes `lane ^ mask` for each mask below `masks`.
template <typename Combine>
float overLanes(float value, u32 masks, Combine combine) {
  emulated::Warp& warp = emulated::warp();
  warp.values[emulated::lane()] = value;
  warp.meet();
  for (u32 mask = 1; mask < masks; ++mask)
    value = combine(value, warp.values[emulated::lane() ^ mask]);
  warp.meet();
  return value;
}
inline float quadMax(float value) {
  return overLanes(value, 4, [](float a, float b) { return std::fmax(a, b); });
}
inline float quadSum(float value) {
  return overLanes(value, 4, [](float a, float b) { return a + b; });
}
inline float quadFirst(float value) {
  emulated::Warp& warp = emulated::warp();
  warp.values[emulated::lane()] = value;
  warp.meet();
  value = warp.values[emulated::lane() & ~3u];
  warp.meet();
  return value;
}
inline bool __any_sync(u32, bool value) {
  return overLanes(value, 32, [](float a, float b) { return a + b; }) != 0;
}
inline int __shfl_sync(u32, int value, int) {
  return value; // of a value that the warp has in common
}
inline void __syncthreads() {
  emulated::block->everyone->arrive_and_wait();
}
