// SPDX-License-Identifier: Apache-2.0
// What the runtime itself costs: a parallel loop, a step of a program.
//
//   build/bench/runtime/runtime_bench [--benchmark_filter=Step]
#include <array>
#include <vector>

#include <benchmark/benchmark.h>

#include "kernels/catalog.h"
#include "runtime/device/cpu/cpu_device.h"
#include "runtime/device/cpu/thread_pool.h"

namespace burin {
namespace {

// Argument: threads. Two items a thread, each next to nothing.
void parallelLoop(benchmark::State& state) {
  ThreadPool pool(static_cast<int>(state.range(0)));
  std::array<int64_t, 256> sums{};
  for (auto _ : state)
    pool.parallelFor(2 * pool.threads(), [&](int, int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        benchmark::DoNotOptimize(sums[i % 256] += i);
    });
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(parallelLoop)->ArgName("threads")->Arg(1)->Arg(2)->UseRealTime();

void touch(const kernels::View* slices, int64_t begin, int64_t end) {
  auto* data = static_cast<float*>(slices[0].data);
  for (int64_t i = begin; i < end; ++i)
    data[i * 16] += 1;
}

// A program as long as a UNet's, whose steps do nearly nothing. Reported: time
// of a step. Arguments: threads, work items of a step.
void programStep(benchmark::State& state) {
  constexpr int kSteps = 800;
  auto device = createCpuDevice({static_cast<int>(state.range(0)), nullptr});
  auto commands = device->createCommandBuffer();
  int64_t items = state.range(1);
  Operand operand = {0, 0, DType::kF32, items, 16, 16};
  std::vector<Operand> operands(5, operand);
  for (int i = 0; i < kSteps; ++i)
    (void)commands->launch(reinterpret_cast<KernelHandle>(touch), operands,
                           items);
  if (!commands->finish().ok())
    state.SkipWithError("finish failed");
  auto memory = device->allocate(static_cast<size_t>(items) * 64);
  std::byte* base = memory->data();
  for (auto _ : state)
    if (!commands->execute({&base, 1}, {}).ok())
      state.SkipWithError("execute failed");
  state.counters["step"] =
      benchmark::Counter(kSteps, benchmark::Counter::kIsIterationInvariantRate |
                                     benchmark::Counter::kInvert);
}
BENCHMARK(programStep)
    ->ArgNames({"threads", "items"})
    ->ArgsProduct({{1, 2}, {1, 16, 256}})
    ->UseRealTime();

} // namespace
} // namespace burin

BENCHMARK_MAIN();
