// SPDX-License-Identifier: Apache-2.0
// Blocks of CUDA threads on the CPU, one block at a time: each CUDA thread is a
// thread, and static variables are shared memory.
#pragma once

#include <barrier>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#define __device__
#define __forceinline__ inline
#define __global__
#define __grid_constant__
#define __launch_bounds__(...)
#define __shared__ static

struct Dimension {
  unsigned x;
};
inline thread_local Dimension threadIdx, blockIdx;

namespace emulated {

struct Warp {
  std::barrier<> barrier{32};
  unsigned char values[32][8];
};
inline std::vector<std::unique_ptr<Warp>> warps;
inline std::unique_ptr<std::barrier<>> everyone;

inline void checkAlignment(const void* address, int bytes) {
  if (reinterpret_cast<uintptr_t>(address) % bytes == 0)
    return;
  std::fprintf(stderr, "thread %u of block %u: address %p, needs %d bytes\n",
               threadIdx.x, blockIdx.x, address, bytes);
  std::_Exit(1);
}

inline void runGrid(unsigned blocks, unsigned threads,
                    const std::function<void()>& kernel) {
  warps.clear();
  for (unsigned i = 0; i < threads; i += 32)
    warps.push_back(std::make_unique<Warp>());
  everyone = std::make_unique<std::barrier<>>(threads);
  std::barrier<> blockEnd(threads);
  std::vector<std::thread> pool;
  for (unsigned thread = 0; thread < threads; ++thread)
    pool.emplace_back([&, thread] {
      threadIdx.x = thread;
      for (blockIdx.x = 0; blockIdx.x < blocks; ++blockIdx.x) {
        kernel();
        blockEnd.arrive_and_wait();
      }
    });
  for (std::thread& thread : pool)
    thread.join();
}

} // namespace emulated

template <class T>
T __shfl_xor_sync(unsigned, T x, int offset) {
  emulated::Warp& warp = *emulated::warps[threadIdx.x / 32];
  const unsigned lane = threadIdx.x % 32;
  std::memcpy(warp.values[lane], &x, sizeof(x));
  warp.barrier.arrive_and_wait();
  std::memcpy(&x, warp.values[lane ^ offset], sizeof(x));
  warp.barrier.arrive_and_wait();
  return x;
}
inline void __syncwarp() {
  emulated::warps[threadIdx.x / 32]->barrier.arrive_and_wait();
}
inline void __syncthreads() {
  emulated::everyone->arrive_and_wait();
}
