// SPDX-License-Identifier: Apache-2.0
// The gradient of a contraction's weights on Hopper, as a product of matrices
// over pixels:
//   dW[o,c,tap] = sum over n,h,w of
//       dy[n,h,w,o] * x[n, h*stride+ky-top, w*stride+kx-left, c]
//
// Both operands lie along the summed dimension: pixels are rows, channels
// touch, and wgmma reads them so. Boxes (64 channels, w, h, n) of both arrive
// by the copy engine; what leaves the picture arrives as zeros, which is the
// padding. tiling.cuh says how the product is cut.
//
// A CTA is kConsumers warpgroups that multiply, each kRowBlocks blocks of 64
// rows, and one that loads. Shared memory: kStages stages of {kRows x 64
// dy, kPieces * 64 x 64 x} and two barriers a stage, `full` and `empty`. The
// steps of pixels are cut into ranges, and join.cuh adds up what ranges have of
// a tile in their order: results repeat bit for bit.
#pragma once

#include "contract/hopper.cuh"
#include "weight_gradient/tiling.cuh"

// m64nNk16 with float32 sums, both operands along the summed dimension:
// add(sums, a, b, accumulate). A plan prints the one of its N and element type.
template <int N>
struct AlongProduct;

// Of the warpgroup that loads.
constexpr int kLoadWarps = 4;

template <int kConsumers_, int kRowBlocks_, int kColumns_, bool kInputRows_,
          int kStages_>
struct GradientTile {
  static constexpr int kConsumers = kConsumers_, kRowBlocks = kRowBlocks_;
  static constexpr int kColumns = kColumns_, kStages = kStages_;
  static constexpr bool kInputRows = kInputRows_;
  static constexpr int kBlocks = kConsumers * kRowBlocks;
  // Pieces that columns arrive in: the last may be used in part.
  static constexpr int kColumnPieces = (kColumns + kPiece - 1) / kPiece;
  static constexpr int kThreads = kConsumers * 128 + 128;
  static constexpr int kStageBytes = (kBlocks + kColumnPieces) * kPieceBytes;
  // Registers of a thread that loads and of one that multiplies. One consumer
  // keeps those that it is launched with.
  static constexpr bool kMovesRegisters = kConsumers > 1;
  static constexpr int kLoadRegisters = 56;
  static constexpr int kSumRegisters = kConsumers == 2 ? 224 : 152;
  // A launch has registers by eights a thread, and only what loading gives
  // back can be taken: more, and it waits for ever.
  static constexpr int kLaunchRegisters = 65536 / kThreads / 8 * 8;
  static_assert(!kMovesRegisters ||
                kLoadRegisters + kConsumers * kSumRegisters <=
                    (kConsumers + 1) * kLaunchRegisters);
  // Boxes of x and of dy in a step, and those that each warp loads.
  static constexpr int kPieces = kInputRows ? kBlocks : kColumnPieces;
  static constexpr int kBoxes = kBlocks + kColumnPieces;
  static constexpr int kWarpBoxes = (kBoxes + kLoadWarps - 1) / kLoadWarps;
  // Where in a stage x and dy begin.
  static constexpr int kInputAt = kInputRows ? 0 : kBlocks * kPieceBytes;
  static constexpr int kCotangentAt = kInputRows ? kBlocks * kPieceBytes : 0;
  static constexpr GradientTiling kTiling = {kBlocks, kColumns, kInputRows};
  static_assert(kInputRows || kColumns % kPiece == 0, "pieces of the input");
};

// Calls use(range, unit) for everything that this CTA does.
template <class T, class Use>
__device__ __forceinline__ void eachUnit(const GradientShape& s, Use use) {
  for (int turn = blockIdx.x; turn < s.ranges; turn += gridDim.x) {
    const int range = rangeInTurn(s, turn);
    const i64 end = rangeBegin(s, range + 1);
    for (i64 at = rangeBegin(s, range); at < end;) {
      const GradientUnit unit = gradientUnit(s, T::kTiling, at, end);
      use(range, unit);
      at += unit.lastStep - unit.firstStep;
    }
  }
}

template <class T>
struct GradientPlace {
  u32 base, full, empty; // addresses in shared memory

  __device__ __forceinline__ explicit GradientPlace(const void* shared) {
    base = (sharedAddress(shared) + 1023) & ~1023u;
    full = base + T::kStages * T::kStageBytes;
    empty = full + 8 * T::kStages;
  }
};

// A box of every step: of x under one tap, or of dy. `channel` is in units of
// its map; `at` is in a stage.
struct GradientBox {
  bool exists, ofInput;
  int channel, ky, kx;
  u32 at;
};
template <class T>
__device__ __forceinline__ GradientBox gradientBox(const GradientShape& s,
                                                   const GradientUnit& u,
                                                   int i) {
  if (i < T::kPieces) {
    const InputPiece piece = inputPiece(s, u.firstPiece + i);
    const int ky = piece.tap / s.kernelWidth;
    return {i < u.pieces,
            true,
            piece.channel * s.inputUnit,
            ky,
            piece.tap - ky * s.kernelWidth,
            static_cast<u32>(T::kInputAt + i * kPieceBytes)};
  }
  i -= T::kPieces;
  return {i * kPiece < u.outputs,
          false,
          (u.firstOutput + i * kPiece) * s.cotangentUnit,
          0,
          0,
          static_cast<u32>(T::kCotangentAt + i * kPieceBytes)};
}

// One thread of each warp keeps the stages full: to send off a box takes a
// thread a tenth of a step. Every warp arrives at every step, also where no box
// is its own: one that fell two turns of the stages behind would take the
// parity of a barrier for another turn's. What a tile has past the product is
// not loaded, and its sums are not stored.
template <class T>
__device__ __forceinline__ void
produceGradient(const GradientPlace<T>& p, const TensorMap& cotangents,
                const TensorMap& inputs, const GradientShape& s, int warp) {
  u32 slot = 0, phase = 1;
  eachUnit<T>(s, [&](int, const GradientUnit& u) {
    GradientBox boxes[T::kWarpBoxes];
    u32 bytes = 0;
#pragma unroll
    for (int i = 0; i < T::kWarpBoxes; ++i) {
      boxes[i] = gradientBox<T>(s, u, warp + kLoadWarps * i);
      bytes += boxes[i].exists ? kPieceBytes : 0;
    }
    const int q = inputPiece(s, u.firstPiece).phase;
    StepBox b = stepBox(s, u.firstStep);
    for (int k = u.firstStep; k < u.lastStep; ++k, nextBox(s, b)) {
      barrierWait(p.empty + 8 * slot, phase);
      const u32 barrier = p.full + 8 * slot;
      const u32 stage = p.base + slot * T::kStageBytes;
      barrierExpect(barrier, bytes);
#pragma unroll
      for (int i = 0; i < T::kWarpBoxes; ++i) {
        const GradientBox& box = boxes[i];
        if (!box.exists)
          continue;
        if (box.ofInput)
          loadBox(stage + box.at, inputs, barrier, box.channel,
                  inputColumn(s, b.w, q, box.kx), inputRow(s, b.h, q, box.ky),
                  b.n, 0);
        else
          loadBox(stage + box.at, cotangents, barrier, box.channel,
                  cotangentColumn(s, b.w, q), cotangentRow(s, b.h, q), b.n, 0);
      }
      if (++slot == T::kStages) {
        slot = 0;
        phase ^= 1;
      }
    }
  });
}

// An operand whose rows are the summed dimension: 128-byte swizzle, groups of
// 8 rows 1024 bytes apart, pieces of 64 columns kPieceBytes apart.
__device__ __forceinline__ u64 alongOperand(u32 address) {
  return static_cast<u64>((address & 0x3FFFF) >> 4) |
         (static_cast<u64>(kPieceBytes >> 4) << 16) | (64ull << 32) |
         (1ull << 62);
}

template <class T>
struct GradientSums {
  float v[T::kRowBlocks][T::kColumns / 2];
};

template <class T>
__device__ __forceinline__ void
multiplyGradient(const GradientPlace<T>& p, GradientSums<T>& sums, int consumer,
                 int steps, u32& slot, u32& phase) {
  u32 previous = 0;
  const bool first = threadIdx.x % 32 == 0;
  for (int k = 0; k < steps; ++k) {
    barrierWait(p.full + 8 * slot, phase);
    const u32 stage = p.base + slot * T::kStageBytes;
    const u64 a = alongOperand(stage + consumer * T::kRowBlocks * kPieceBytes);
    const u64 b = alongOperand(stage + T::kBlocks * kPieceBytes);
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
    // 16 pixels are 2048 bytes.
#pragma unroll
    for (int kk = 0; kk < 4; ++kk)
#pragma unroll
      for (int mb = 0; mb < T::kRowBlocks; ++mb)
        AlongProduct<T::kColumns>::add(sums.v[mb],
                                       a + mb * (kPieceBytes >> 4) + kk * 128,
                                       b + kk * 128, k != 0 || kk != 0);
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
    asm volatile("wgmma.wait_group.sync.aligned 1;" ::: "memory");
    if (k != 0 && first)
      barrierArrive(p.empty + 8 * previous);
    previous = slot;
    if (++slot == T::kStages) {
      slot = 0;
      phase ^= 1;
    }
  }
  asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
  if (first)
    barrierArrive(p.empty + 8 * previous);
}

// What a thread has of the product: for each block of 64 rows and each octet
// of columns that exist, use(block, octet, four sums).
template <class T, class Use>
__device__ __forceinline__ void eachOctet(const GradientUnit& u,
                                          const GradientSums<T>& sums,
                                          int consumer, Use use) {
  const int blocks =
      T::kInputRows ? u.pieces : (u.outputs + kPiece - 1) / kPiece;
  const int octets = T::kInputRows ? (u.outputs + kOctet - 1) / kOctet
                                   : u.pieces * (kPiece / kOctet);
#pragma unroll
  for (int mb = 0; mb < T::kRowBlocks; ++mb) {
    const int block = consumer * T::kRowBlocks + mb;
    if (block >= blocks)
      continue;
#pragma unroll
    for (int octet = 0; octet < T::kColumns / kOctet; ++octet) {
      const float* v = sums.v[mb] + 4 * octet;
      if (octet < octets)
        use(block, octet, make_float4(v[0], v[1], v[2], v[3]));
    }
  }
}

// For join.cuh.
template <class T>
__device__ __forceinline__ void
keepSums(const View* views, const GradientUnit& u, const GradientSums<T>& sums,
         int consumer, int slot) {
  auto* to = static_cast<float4*>(views[2].data) + threadIdx.x % 128 +
             sumsAt(T::kTiling, slot, 0, 0);
  eachOctet<T>(u, sums, consumer, [&](int block, int octet, float4 v) {
    to[sumsAt(T::kTiling, 0, block, octet)] = v;
  });
}

// The result itself, where there is one tap: [output][channel].
template <class T>
__device__ __forceinline__ void
storeSums(const View* views, const GradientShape& s, const GradientUnit& u,
          const GradientSums<T>& sums, int consumer) {
  auto* to = static_cast<float*>(views[2].data);
  const int warp = threadIdx.x % 128 / 32, lane = threadIdx.x % 32;
  const int row0 = warp * 16 + lane / 4, column0 = lane % 4 * 2;
  const int firstChannel = u.firstPiece * kPiece;
  const auto store = [&](int row, int column, float value) {
    const int output = u.firstOutput + (T::kInputRows ? column : row);
    const int channel = firstChannel + (T::kInputRows ? row : column);
    if (output < s.outputs && channel < s.channels)
      to[static_cast<i64>(output) * s.channels + channel] = value;
  };
  eachOctet<T>(u, sums, consumer, [&](int block, int octet, float4 v) {
    const int row = block * 64 + row0, column = octet * kOctet + column0;
    store(row, column, v.x);
    store(row, column + 1, v.y);
    store(row + 8, column, v.z);
    store(row + 8, column + 1, v.w);
  });
}

// kWhole: one tap and one range a tile, so that sums are the result.
template <class T, bool kWhole>
__device__ __forceinline__ void
weightGradient(const View* views, const TensorMap& cotangents,
               const TensorMap& inputs, const GradientShape& s) {
  extern __shared__ unsigned char shared[];
  const GradientPlace<T> place(shared);
  const int consumer = threadIdx.x / 128;
  if (threadIdx.x == 0) {
    for (int i = 0; i < T::kStages; ++i) {
      barrierInit(place.full + 8 * i, kLoadWarps);
      barrierInit(place.empty + 8 * i, T::kConsumers * 4);
    }
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
    prefetchMap(cotangents);
    prefetchMap(inputs);
  }
  __syncthreads();
  letNextStart();
  waitForPrevious();
  if (consumer == T::kConsumers) {
    if constexpr (T::kMovesRegisters)
      asm volatile(
          "setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(T::kLoadRegisters));
    if (threadIdx.x % 32 == 0)
      produceGradient<T>(place, cotangents, inputs, s, threadIdx.x % 128 / 32);
    return;
  }
  if constexpr (T::kMovesRegisters)
    asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(T::kSumRegisters));
  u32 slot = 0, phase = 0;
  eachUnit<T>(s, [&](int range, const GradientUnit& u) {
    GradientSums<T> sums;
    multiplyGradient<T>(place, sums, consumer, u.lastStep - u.firstStep, slot,
                        phase);
    if constexpr (kWhole)
      storeSums<T>(views, s, u, sums, consumer);
    else
      keepSums<T>(views, u, sums, consumer, slotOf(s, range, u.tile));
  });
}
