// SPDX-License-Identifier: Apache-2.0
#include "bench/cuda/measure.h"

#include <algorithm>
#include <chrono>

#include "bench/cuda/replay.h"

namespace burin::bench {

namespace cuda = kernels::cuda;

namespace {

constexpr int64_t kMostSets = 10; // as bench/reference/torch_kernels_cuda.py
constexpr int kReplays = 20;
constexpr int kRounds = 5;

struct Pair {
  KernelTime time;
  KernelCase plain, network;
};

Result<Pair> pairOf(const ShapeRow& row, const cuda::Target& target) {
  Pair pair = {};
  BURIN_ASSIGN(pair.plain, kernelCase(row, Following::kPlain, target));
  BURIN_ASSIGN(pair.network, kernelCase(row, Following::kNetwork, target));
  return pair;
}

Result<double> medianTime(Device& device, const KernelImages& images,
                          const OperandPool& pool, const KernelCase& work) {
  BURIN_ASSIGN(Replay replay, Replay::record(device, images, work,
                                             operandSets(work, kMostSets)));
  for (int i = 0; i < 2; ++i) // warms up
    BURIN_TRY(replay.time(pool, 1).status());
  std::vector<double> times;
  for (int round = 0; round < kRounds; ++round) {
    BURIN_ASSIGN(const double seconds, replay.time(pool, kReplays));
    times.push_back(seconds);
  }
  std::ranges::sort(times);
  return times[kRounds / 2];
}

Status measurePair(Device& device, const KernelImages& images,
                   const OperandPool& pool, Pair& pair) {
  BURIN_ASSIGN(pair.time.plain, medianTime(device, images, pool, pair.plain));
  if (pair.plain.plan.symbol == pair.network.plan.symbol) {
    pair.time.network = pair.time.plain;
    return okStatus();
  }
  BURIN_ASSIGN(pair.time.network,
               medianTime(device, images, pool, pair.network));
  return okStatus();
}

// Bytes read and written in a second by copies of half a gigabyte.
Result<double> copyRate(Device& device) {
  using Clock = std::chrono::steady_clock;
  constexpr int64_t kBytes = int64_t{1} << 29;
  BURIN_ASSIGN(const Memory from, device.allocate(kBytes));
  BURIN_ASSIGN(const Memory to, device.allocate(kBytes));
  std::unique_ptr<CommandBuffer> commands = device.createCommandBuffer();
  BURIN_TRY(commands->copy({0, 0, DType::kU8, 1, kBytes, kBytes},
                           {1, 0, DType::kU8, 1, kBytes, kBytes}));
  BURIN_TRY(commands->finish());
  const std::array bindings = {from.data(), to.data()};
  BURIN_TRY(commands->execute(bindings, {}));
  BURIN_TRY(device.synchronize());
  const auto before = Clock::now();
  for (int i = 0; i < kReplays; ++i)
    BURIN_TRY(commands->execute(bindings, {}));
  BURIN_TRY(device.synchronize());
  const std::chrono::duration<double> taken = Clock::now() - before;
  return 2.0 * kBytes * kReplays / taken.count();
}

} // namespace

double KernelTime::share(const Ceilings& ceilings) const {
  return std::max(flops / ceilings.flops, bytes / ceilings.bytes) / network;
}

Result<Ceilings> measureCeilings(Device& device, const cuda::Target& target) {
  constexpr int64_t kSide = 8192;
  const ShapeRow product = {1, "linear", {kSide, kSide, kSide}};
  Ceilings ceilings = {};
  BURIN_ASSIGN(const TuneReport report,
               tuneContractions(device, target, {&product, 1}, {},
                                [](const std::string&, size_t, size_t) {}));
  if (report.times.empty())
    return internalError(report.faults.front());
  ceilings.flops = product.flops() / report.times.front().seconds;
  BURIN_ASSIGN(ceilings.bytes, copyRate(device));
  return ceilings;
}

Result<std::vector<KernelTime>> measureKernels(Device& device,
                                               const cuda::Target& target,
                                               std::span<const ShapeRow> rows,
                                               const Notice& notice) {
  KernelImages images;
  OperandPool pool;
  std::vector<Pair> pairs;
  for (const ShapeRow& row : rows) {
    Result<Pair> made = pairOf(row, target);
    Pair& pair = pairs.emplace_back(made.ok() ? *std::move(made) : Pair{});
    pair.time = {shapeKey(row),
                 row.kind,
                 row.count,
                 pair.network.plan.symbol,
                 0,
                 0,
                 pair.network.flops,
                 pair.network.bytes(),
                 made.status().message()};
    if (!made.ok())
      continue;
    for (const KernelCase* work : {&pair.plain, &pair.network}) {
      images.add(*work);
      pool.need(*work, operandSets(*work, kMostSets));
    }
  }
  notice("compiling kernels", 0, 0);
  BURIN_TRY(images.compile(device, target.name));
  BURIN_TRY(pool.allocate(device, false));
  std::vector<KernelTime> times;
  for (Pair& pair : pairs) {
    notice("kernel", times.size(), pairs.size());
    if (pair.time.failed.empty())
      BURIN_TRY(
          measurePair(device, images, pool, pair).within(pair.time.shape));
    times.push_back(pair.time);
  }
  notice("kernel", times.size(), pairs.size());
  return times;
}

} // namespace burin::bench
