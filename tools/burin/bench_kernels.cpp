// SPDX-License-Identifier: Apache-2.0
#include "tools/burin/bench_kernels.h"

#include <charconv>
#include <cstdio>
#include <map>

#include <nlohmann/json.hpp>

#include "bench/cuda/measure.h"
#include "bench/cuda/tune.h"
#include "formats/file/atomic_file.h"
#include "formats/file/mapped_file.h"
#include "models/pipeline/device.h"
#include "tools/burin/cli.h"
#include "tools/burin/progress.h"

namespace burin::cli {
namespace {

namespace cuda = kernels::cuda;
using bench::KernelTime;
using bench::ShapeRow;

// What an edit runs, with and without guidance, and its variants.
const std::vector<std::string> kTuned = {
    "bench/shapes/cuda/unet_64.txt@3",
    "bench/shapes/cuda/unet_64.txt@1",
    "bench/shapes/cuda/vae_decoder_64.txt@1",
    "bench/shapes/cuda/vae_encoder_512.txt@1",
    "bench/shapes/cuda/text_encoder_77.txt@1",
    "bench/shapes/cuda/text_encoder_77.txt@2",
    "bench/shapes/cuda/unet_32.txt@3",
    "bench/shapes/cuda/unet_64.txt@12",
    "bench/shapes/cuda/vae_decoder_128.txt@1",
    "bench/shapes/cuda/vae_encoder_1024.txt@1"};
const std::vector<std::string> kMeasured = {"bench/shapes/cuda/unet_64.txt@3"};

struct Card {
  std::unique_ptr<Device> device;
  cuda::Target target;
};

Result<Card> openCard(const std::string& name) {
  BURIN_ASSIGN(const DeviceName parsed, parseDevice(name));
  // The processor is what --device says by default.
  BURIN_ASSIGN(auto device, openDevice(parsed.cuda ? name : "cuda", 0));
  BURIN_ASSIGN(const std::string target, targetOf(*device));
  constexpr size_t kPrefix = 3; // "sm_"
  const int capability = std::atoi(target.c_str() + kPrefix);
  return Card{std::move(device), {target, capability}};
}

bench::Notice noticeOn(Progress& progress, const std::string& where) {
  return
      [&progress, where](const std::string& what, size_t done, size_t total) {
        const std::string text = where + ": " + what;
        if (total == 0)
          progress.stage(text);
        else
          progress.step(text, done, total);
      };
}

double micros(double seconds) {
  return seconds * 1e6;
}

nlohmann::json toJson(const KernelTime& time, const bench::Ceilings& most) {
  nlohmann::json line = {{"shape", time.shape}, {"count", time.count}};
  if (!time.failed.empty()) {
    line["failed"] = time.failed;
    return line;
  }
  line["us"] = micros(time.plain);
  line["us_with_epilogue"] = micros(time.network);
  line["kernel"] = time.kernel;
  line["tflops"] = time.flops / time.network * 1e-12;
  line["gb_per_second"] = time.bytes / time.network * 1e-9;
  line["percent"] = 100 * time.share(most);
  line["bound"] = time.boundByMemory(most) ? "memory" : "arithmetic";
  return line;
}

// Count times microseconds by kind, plain and as in the network.
std::map<std::string, std::array<double, 2>>
sumsOf(const std::vector<KernelTime>& times) {
  std::map<std::string, std::array<double, 2>> sums;
  for (const KernelTime& time : times) {
    const auto count = static_cast<double>(time.count);
    sums[time.kind][0] += count * micros(time.plain);
    sums[time.kind][1] += count * micros(time.network);
  }
  return sums;
}

Status reportLines(const std::vector<KernelTime>& times,
                   const bench::Ceilings& most) {
  const nlohmann::json ceilings = {{"tflops", most.flops * 1e-12},
                                   {"gb_per_second", most.bytes * 1e-9}};
  BURIN_TRY(print(nlohmann::json{{"ceilings", ceilings}}.dump() + "\n"));
  for (const KernelTime& time : times)
    BURIN_TRY(print(toJson(time, most).dump() + "\n"));
  return print(nlohmann::json{{"sums_us", sumsOf(times)}}.dump() + "\n");
}

std::string rowText(const KernelTime& time, const bench::Ceilings& most) {
  char text[256];
  if (!time.failed.empty())
    return time.shape + "  failed: " + time.failed + "\n";
  const bool memory = time.boundByMemory(most);
  std::snprintf(text, sizeof(text),
                "%-44s %5lld %9.1f %9.1f %7.0f %s %3.0f %%\n",
                time.shape.c_str(), static_cast<long long>(time.count),
                micros(time.plain), micros(time.network),
                memory ? time.bytes / time.network * 1e-9
                       : time.flops / time.network * 1e-12,
                memory ? "GB/s   " : "TFLOP/s", 100 * time.share(most));
  return text;
}

Status reportTable(const std::vector<KernelTime>& times,
                   const bench::Ceilings& most) {
  char text[160];
  std::snprintf(text, sizeof(text),
                "ceilings: %.0f TFLOP/s, %.0f GB/s\n%-44s %5s %9s %9s %15s\n",
                most.flops * 1e-12, most.bytes * 1e-9, "shape", "count",
                "plain us", "whole us", "of ceiling");
  BURIN_TRY(print(text));
  for (const KernelTime& time : times)
    BURIN_TRY(print(rowText(time, most)));
  for (const auto& [kind, sums] : sumsOf(times)) {
    std::snprintf(text, sizeof(text), "%-44s %5s %9.0f %9.0f\n",
                  ("all " + kind).c_str(), "", sums[0], sums[1]);
    BURIN_TRY(print(text));
  }
  return okStatus();
}

// The table as it is on the disk, else the one this program was built with.
Result<std::vector<cuda::TunedTile>> tableSoFar(const std::string& path) {
  constexpr size_t kMostBytes = 1 << 20;
  const Result<std::string> text = readTextFile(path, kMostBytes);
  if (!text.ok() && text.status().code() != Code::kNotFound)
    return text.status();
  if (!text.ok())
    return cuda::parseTunedTiles(cuda::headerText("contract/tuned_h100.txt"));
  auto table = cuda::parseTunedTiles(*text);
  if (!table.ok())
    return table.status().within(path);
  return table;
}

Status writeTable(const std::string& path,
                  const std::vector<cuda::TunedTile>& table) {
  const std::string text = cuda::tunedTilesText(table);
  return writeFileAtomically(path, std::as_bytes(std::span(text)));
}

Status printWinners(const bench::TuneReport& report) {
  for (const bench::TunedTime& time : report.times) {
    char text[160];
    std::snprintf(text, sizeof(text), "%-50s %8.1f us, before %8.1f us\n",
                  cuda::tunedTileText(time.tile).c_str(), micros(time.seconds),
                  micros(time.reference));
    BURIN_TRY(print(text));
  }
  return okStatus();
}

// The contractions of each file that no file before it has.
Result<std::vector<std::vector<ShapeRow>>>
contests(const std::vector<std::string>& arguments,
         const cuda::Target& target) {
  std::vector<std::vector<ShapeRow>> parts;
  std::vector<ShapeRow> all;
  for (const std::string& argument : arguments) {
    BURIN_ASSIGN(const auto rows, readShapeRows(argument));
    const size_t before = bench::tunableRows(all, target).size();
    all.insert(all.end(), rows.begin(), rows.end());
    std::vector<ShapeRow> tunable = bench::tunableRows(all, target);
    parts.emplace_back(tunable.begin() + static_cast<ptrdiff_t>(before),
                       tunable.end());
  }
  return parts;
}

// Tunes the contractions of one file and writes the table, so that a run that
// is cut short leaves what it found.
Status tunePart(const Card& card, const std::vector<ShapeRow>& rows,
                const std::string& file, const std::string& output,
                std::vector<cuda::TunedTile>& table, std::string& faults) {
  Progress progress(Progress::detect(false));
  BURIN_ASSIGN(const bench::TuneReport report,
               bench::tuneContractions(*card.device, card.target, rows, table,
                                       noticeOn(progress, file)));
  progress.endLine();
  std::vector<cuda::TunedTile> winners;
  for (const bench::TunedTime& time : report.times)
    winners.push_back(time.tile);
  table = cuda::mergeTunedTiles(std::move(table), winners);
  BURIN_TRY(writeTable(output, table));
  for (const std::string& fault : report.faults)
    faults += "\n  " + fault;
  return printWinners(report);
}

} // namespace

Result<std::vector<ShapeRow>> readShapeRows(const std::string& argument) {
  const size_t at = argument.rfind('@');
  int64_t batch = 1;
  if (at != std::string::npos) {
    const char* end = argument.data() + argument.size();
    const auto parsed = std::from_chars(argument.data() + at + 1, end, batch);
    if (parsed.ec != std::errc() || parsed.ptr != end || batch < 1 ||
        batch > 1024)
      return invalidArgument("--shapes '" + argument +
                             "' must be FILE or FILE@BATCH, with a batch of 1 "
                             "to 1024");
  }
  BURIN_ASSIGN(auto rows, bench::readShapes(argument.substr(0, at)));
  for (ShapeRow& row : rows)
    row = bench::withBatch(std::move(row), batch);
  return rows;
}

Status benchKernels(const KernelBenchOptions& options,
                    const std::string& device, bool json) {
  std::vector<ShapeRow> rows;
  for (const std::string& file :
       options.shapes.empty() ? kMeasured : options.shapes) {
    BURIN_ASSIGN(const auto more, readShapeRows(file));
    rows.insert(rows.end(), more.begin(), more.end());
  }
  BURIN_ASSIGN(const Card card, openCard(device));
  Progress progress(Progress::detect(false));
  progress.stage("measuring what the card can do");
  BURIN_ASSIGN(const bench::Ceilings most,
               bench::measureCeilings(*card.device, card.target));
  BURIN_ASSIGN(const auto times,
               bench::measureKernels(*card.device, card.target, rows,
                                     noticeOn(progress, "bench")));
  progress.endLine();
  return json ? reportLines(times, most) : reportTable(times, most);
}

Status tuneKernels(const KernelBenchOptions& options,
                   const std::string& device) {
  const auto& files = options.shapes.empty() ? kTuned : options.shapes;
  for (const std::string& file : files)
    BURIN_TRY(readShapeRows(file).status());
  BURIN_ASSIGN(auto table, tableSoFar(options.output));
  BURIN_ASSIGN(const Card card, openCard(device));
  if (card.target.capability != 90)
    return unimplemented("--tune is for sm_90a, and " +
                         std::string(card.device->name()) + " is " +
                         card.target.name);
  BURIN_TRY(writeTable(options.output, table)); // fails before the work does
  BURIN_ASSIGN(const auto parts, contests(files, card.target));
  std::string faults;
  for (size_t i = 0; i < parts.size(); ++i)
    if (!parts[i].empty())
      BURIN_TRY(
          tunePart(card, parts[i], files[i], options.output, table, faults));
  if (!faults.empty())
    return internalError("tiles disagree:" + faults);
  return okStatus();
}

} // namespace burin::cli
