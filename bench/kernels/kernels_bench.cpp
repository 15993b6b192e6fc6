// SPDX-License-Identifier: Apache-2.0
// Times the CPU kernels on the shapes of real models and says how near they
// come to the multiply-add peak that is measured beside each of them.
//
//   kernels_bench --shapes=bench/shapes/unet_64.txt --threads=2
//     --type=f32 --isa=avx512 [--gradient] [Google Benchmark's options]
//
// With --gradient what has one is timed backwards: a contraction with respect
// to its weights, attention with respect to all.
// Of the fastest iteration: `best_ms` on the clock; `busy_ms` the processor
// time of a thread, on average, which other programs on the machine hardly
// change; `gflops` and `peak`, the rate and its share of the peak by busy time;
// `total_ms`, busy time as often as the model has this work.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <numeric>
#include <random>

#include "benchmark/benchmark.h"

#include "bench/support/array.h"
#include "bench/support/cpu_time.h"
#include "bench/support/peak.h"
#include "bench/support/shapes.h"
#include "bench/support/team.h"
#include "kernels/catalog.h"
#include "kernels/cpu/contracts.h"

namespace burin::bench {
namespace {

using kernels::CpuKernel;
using kernels::View;

struct Options {
  std::string shapes = "bench/shapes/unet_64.txt";
  std::string type = "f32";
  std::string isa{kernels::cpuInstructionSets().back()};
  int threads = static_cast<int>(std::thread::hardware_concurrency());
  bool gradient = false;

  DType dtype() const { return type == "bf16" ? DType::kBF16 : DType::kF32; }
};

// Memory with small random contents, as float32 or bf16.
Array randomArray(int64_t count, DType dtype) {
  std::minstd_rand engine(1);
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<float> cycle(4099);
  for (float& x : cycle)
    x = uniform(engine);
  Array out = makeArray(count * byteSize(dtype));
  for (int64_t i = 0; i < count; ++i) {
    const float value = cycle[i % cycle.size()];
    if (dtype == DType::kBF16)
      reinterpret_cast<uint16_t*>(out.get())[i] = floatToBf16(value);
    else
      reinterpret_cast<float*>(out.get())[i] = value;
  }
  return out;
}

// Stores a tile, as the least that any epilogue does.
void storeTile(const View* slices, const float* tile, int64_t ld, int64_t row,
               int64_t rows, int64_t column, int64_t columns) {
  for (int64_t i = 0; i < rows; ++i)
    std::copy_n(tile + i * ld, columns,
                static_cast<float*>(slices[0].data) +
                    (row + i) * slices[0].pitch + column);
}

// A kernel, its operands and its parameters.
struct Case {
  const CpuKernel* kernel = nullptr;
  std::vector<Array> arrays;
  std::vector<View> slices;
  std::vector<int64_t> params;
  View output{};
  double work = 1; // of what the shape says

  void add(int64_t rows, int64_t columns, DType dtype) {
    arrays.push_back(randomArray(rows * columns, dtype));
    slices.push_back({arrays.back().get(), columns});
  }
};

const CpuKernel* find(const Options& options, const std::string& family) {
  for (const CpuKernel& kernel : kernels::cpuKernels(options.isa))
    if (kernel.name == family + "." + options.type)
      return &kernel;
  return nullptr;
}

Case contractCase(const Options& options, const ShapeRow& row) {
  const auto& s = row.sizes;
  Case c;
  if (row.kind == "conv")
    c.params = {s[0],
                (s[1] * s[8] + s[6] - 1) / s[6],
                (s[2] * s[8] + s[6] - 1) / s[6],
                s[1],
                s[2],
                s[3],
                s[5],
                s[5],
                s[6],
                s[7],
                s[7],
                s[8],
                s[4]};
  else
    c.params = {1, 1, s[0], 1, s[0], s[1], 1, 1, 1, 0, 0, 1, s[2]};
  const auto& p = c.params;
  const DType dtype = options.dtype();
  const int64_t bytes = kernels::packedContractBytes(
      p[kernels::kContractOutChannels], p[kernels::kContractChannels],
      p[kernels::kContractKernelHeight], p[kernels::kContractKernelWidth],
      dtype, kernels::contractFolds(p, dtype));
  const int64_t outRows = p[kernels::kContractBatch] *
                          p[kernels::kContractOutHeight] *
                          p[kernels::kContractOutWidth];
  const int64_t outChannels = p[kernels::kContractOutChannels];
  c.kernel = find(options, options.gradient ? "weight_gradient" : "contract");
  c.add(p[kernels::kContractBatch] * p[kernels::kContractInHeight] *
            p[kernels::kContractInWidth],
        p[kernels::kContractChannels], dtype);
  if (options.gradient) {
    const int64_t kernelWidth = p[kernels::kContractKernelWidth];
    c.add(outRows, outChannels, dtype);
    c.add(outChannels * p[kernels::kContractChannels] *
              p[kernels::kContractKernelHeight],
          kernelWidth, DType::kF32);
    return c;
  }
  c.add(1, bytes / static_cast<int64_t>(byteSize(dtype)), dtype);
  c.arrays.push_back(makeArray(outRows * outChannels * 4));
  c.output = {c.arrays.back().get(), outChannels};
  return c;
}

Case attentionCase(const Options& options, const ShapeRow& row) {
  const auto& s = row.sizes;
  Case c;
  c.kernel =
      find(options, options.gradient ? "attention_gradient" : "attention");
  c.params = {s[0], s[1], s[2], s[3], s[4], s[5], kernels::doubleBits(0.1)};
  const auto add = [&](std::initializer_list<int64_t> tokens) {
    for (const int64_t rows : tokens)
      c.add(s[0] * rows, s[3] * s[4], options.dtype());
  };
  add({s[1], s[2], s[2], s[1]}); // q, k, v, y
  if (options.gradient) {
    add({s[1], s[1], s[2], s[2]}); // dy, dq, dk, dv
    c.work = 2.5;
  }
  return c;
}

Case groupAffineCase(const Options& options, const ShapeRow& row) {
  const auto& s = row.sizes;
  Case c;
  c.kernel = find(options, "group_affine");
  c.params = {s[0],
              s[1],
              s[2],
              s[3],
              kernels::doubleBits(1e-5),
              static_cast<int64_t>(DType::kF32)};
  c.add(s[0] * s[1], s[2], options.dtype());
  c.add(1, s[2], DType::kF32);
  c.add(1, s[2], DType::kF32);
  c.add(s[0], s[2], DType::kF32);
  c.add(s[0], s[2], DType::kF32);
  return c;
}

bool hasGradient(const ShapeRow& row) {
  return row.kind != "group_affine";
}

Case makeCase(const Options& options, const ShapeRow& row) {
  if (row.kind == "attention")
    return attentionCase(options, row);
  if (row.kind == "group_affine")
    return groupAffineCase(options, row);
  return contractCase(options, row);
}

// The peak of all threads at once.
double teamPeak(Team& team, const std::string& isa) {
  std::vector<double> rates(team.size());
  std::atomic<int> arrived = 0;
  team.run(team.size(), [&](int, int64_t begin, int64_t) {
    ++arrived;
    while (arrived < team.size())
      std::this_thread::yield();
    rates[begin] = multiplyAddPeak(isa);
  });
  double sum = 0;
  for (const double rate : rates)
    sum += rate;
  return sum;
}

void time(benchmark::State& state, const Options& options, Team& team,
          const ShapeRow& row) {
  const Case c = makeCase(options, row);
  const size_t bytes = c.kernel->scratchBytes(c.params) / 64 * 64 + 64;
  const Array memory = makeArray(bytes * team.size());
  const kernels::CallArgs args{c.slices, c.params, storeTile, &c.output};
  const int64_t items = c.kernel->workItems(c.params);
  double best = 1e30, busy = 1e30, peak = 0;
  for (auto _ : state) {
    peak = std::max(peak, teamPeak(team, options.isa));
    std::vector<double> spent(team.size());
    const auto start = std::chrono::steady_clock::now();
    team.run(items, [&](int thread, int64_t begin, int64_t end) {
      const double before = threadSeconds();
      c.kernel->run(args, begin, end, memory.get() + thread * bytes);
      spent[thread] += threadSeconds() - before;
    });
    const std::chrono::duration<double> seconds =
        std::chrono::steady_clock::now() - start;
    state.SetIterationTime(seconds.count());
    best = std::min(best, seconds.count());
    busy = std::min(busy, std::reduce(spent.begin(), spent.end()) /
                              static_cast<double>(team.size()));
  }
  state.counters["best_ms"] = best * 1e3;
  state.counters["busy_ms"] = busy * 1e3;
  state.counters["total_ms"] = busy * 1e3 * static_cast<double>(row.count);
  if (row.flops() > 0) {
    const double rate = c.work * row.flops() / busy * 1e-9;
    state.counters["gflops"] = rate;
    state.counters["peak"] = rate / peak;
  }
}

Options takeOptions(int& argc, char** argv) {
  Options options;
  const std::map<std::string_view, std::string*> texts = {
      {"--shapes=", &options.shapes},
      {"--type=", &options.type},
      {"--isa=", &options.isa}};
  int kept = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const auto text = std::find_if(texts.begin(), texts.end(), [&](auto& t) {
      return argument.starts_with(t.first);
    });
    if (text != texts.end())
      *text->second = argument.substr(text->first.size());
    else if (argument.starts_with("--threads="))
      options.threads = std::max(1, std::atoi(argv[i] + 10));
    else if (argument == "--gradient")
      options.gradient = true;
    else
      argv[kept++] = argv[i];
  }
  argc = kept;
  return options;
}

int runAll(int argc, char** argv) {
  const Options options = takeOptions(argc, argv);
  const auto rows = readShapes(options.shapes);
  if (!rows.ok() || kernels::cpuKernels(options.isa).empty() ||
      (options.type != "f32" && options.type != "bf16")) {
    std::fprintf(stderr, "kernels_bench: %s\n",
                 rows.ok() ? "--type is f32 or bf16, --isa one of this "
                             "processor's: generic, avx2, avx512"
                           : rows.status().message().c_str());
    return 2;
  }
  Team team(options.threads);
  for (const ShapeRow& row : *rows) {
    if (options.gradient && !hasGradient(row))
      continue;
    benchmark::RegisterBenchmark(row.name().c_str(), time, options,
                                 std::ref(team), row)
        ->UseManualTime()
        ->Unit(benchmark::kMillisecond);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv))
    return 2;
  benchmark::AddCustomContext("threads", std::to_string(options.threads));
  benchmark::AddCustomContext("isa", options.isa);
  benchmark::AddCustomContext("type", options.type);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

} // namespace
} // namespace burin::bench

int main(int argc, char** argv) {
  return burin::bench::runAll(argc, argv);
}
