// SPDX-License-Identifier: Apache-2.0
// Flags, progress and report of `burin convert`.
#include "tools/burin/convert.h"

#include "models/adapters/merge.h"
#include "models/names/convert.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <utility>

#include <nlohmann/json.hpp>
#include <unistd.h>

namespace burin::cli {
namespace {

struct ConvertFlags {
  names::SourceOptions source;
  std::string output, dtype = "keep", licence, shardSize;
  std::vector<std::string> adapters; // file or file:weight
  bool json = false;
};

using Clock = std::chrono::steady_clock;

double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// One line that is written over, ten times a second, for people only.
class ProgressLine {
public:
  void show(uint64_t done, uint64_t total) {
    if (!::isatty(STDERR_FILENO) ||
        (done < total && shown_ && secondsSince(last_) < 0.1))
      return;
    last_ = Clock::now();
    shown_ = true;
    std::fprintf(stderr, "\r\033[Kconverting %3.0f %%, %s of %s",
                 total ? 100.0 * double(done) / double(total) : 100.0,
                 formatBytes(double(done)).c_str(),
                 formatBytes(double(total)).c_str());
  }
  ~ProgressLine() {
    if (shown_)
      std::fputs("\r\033[K", stderr);
  }

private:
  Clock::time_point last_;
  bool shown_ = false;
};

nlohmann::json toJson(const names::ConvertReport& report,
                      const ConvertFlags& flags, double seconds) {
  nlohmann::json json = {{"architecture", report.architecture},
                         {"output", flags.output},
                         {"bytes", report.bytes},
                         {"seconds", seconds},
                         {"notes", report.notes},
                         {"components", nlohmann::json::array()},
                         {"ignored", nlohmann::json::array()}};
  for (const auto& component : report.components)
    json["components"].push_back({{"name", component.name},
                                  {"tensors", component.tensors},
                                  {"parameters", component.parameters},
                                  {"bytes", component.bytes}});
  for (const auto& [name, reason] : report.ignored)
    json["ignored"].push_back({{"tensor", name}, {"reason", reason}});
  return json;
}

// Left-out tensors by reason: there may be hundreds with the same one.
std::string describeIgnored(const names::ConvertReport& report) {
  std::map<std::string, std::pair<size_t, std::string>> byReason;
  for (const auto& [name, reason] : report.ignored) {
    auto& [count, first] = byReason[reason];
    if (count++ == 0)
      first = name;
  }
  std::string text;
  for (const auto& [reason, entry] : byReason)
    text += "left out " + std::to_string(entry.first) + " (" + entry.second +
            (entry.first > 1 ? ", ..." : "") + "): " + reason + "\n";
  return text;
}

std::string toText(const names::ConvertReport& report,
                   const ConvertFlags& flags, double seconds) {
  std::string text = flags.output + ": " + report.architecture + ", " +
                     formatBytes(double(report.bytes)) + ", in " +
                     formatSeconds(seconds) + "\n";
  for (const auto& component : report.components) {
    char line[160];
    std::snprintf(line, sizeof line, "  %-14s %5zu tensors %8.2f M  %s\n",
                  component.name.c_str(), component.tensors,
                  double(component.parameters) / 1e6,
                  formatBytes(double(component.bytes)).c_str());
    text += line;
  }
  text += describeIgnored(report);
  for (const std::string& note : report.notes)
    text += "note: " + note + "\n";
  return text;
}

// "500MB", "2GB", "1000000": a number and a power of 1000.
Result<uint64_t> parseShardSize(const std::string& text) {
  constexpr std::array<std::string_view, 5> kUnits = {"B", "KB", "MB", "GB",
                                                      "TB"};
  double value = 0;
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  std::string unit(end, text.data() + text.size());
  for (char& c : unit)
    c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  auto at = std::ranges::find(kUnits, unit.empty() ? "B" : unit);
  value *= std::pow(1000.0, at - kUnits.begin());
  if (error != std::errc() || at == kUnits.end() || !(value >= 1) ||
      value > 1e18)
    return invalidArgument("--shard-size is '" + text +
                           "'; give a size such as 500MB or 2GB");
  return static_cast<uint64_t>(value);
}

// The source is a checkpoint already; adapters become part of it.
Status merge(const ConvertFlags& flags) {
  if (flags.dtype != "keep" || !flags.shardSize.empty() ||
      !flags.licence.empty() || !flags.source.tokenizer.empty())
    return invalidArgument("--lora merges into a checkpoint as it is; leave "
                           "out --dtype, --shard-size, --licence and "
                           "--tokenizer, and convert the model first");
  std::vector<adapters::AdapterUse> uses;
  for (const std::string& text : flags.adapters) {
    BURIN_ASSIGN(adapters::AdapterUse use, adapters::parseAdapterUse(text));
    uses.push_back(std::move(use));
  }
  const Clock::time_point start = Clock::now();
  BURIN_ASSIGN(uint64_t bytes,
               adapters::mergeAdapters(flags.source.path, uses, flags.output));
  const double seconds = secondsSince(start);
  if (flags.json)
    return printJson({{"output", flags.output},
                      {"bytes", bytes},
                      {"adapters", flags.adapters},
                      {"seconds", seconds}});
  return print(flags.output + ": " + formatBytes(double(bytes)) + " with " +
               std::to_string(uses.size()) + " adapters merged, in " +
               formatSeconds(seconds) + "\n");
}

Status execute(const ConvertFlags& flags) {
  if (!flags.adapters.empty())
    return merge(flags);
  names::ConvertOptions options;
  options.source = flags.source;
  options.output = flags.output;
  if (!flags.shardSize.empty()) {
    BURIN_ASSIGN(options.shardBytes, parseShardSize(flags.shardSize));
  }
  options.licence = flags.licence;
  if (flags.dtype != "keep")
    options.dtype = dtypeFromName(flags.dtype);
  auto line = std::make_unique<ProgressLine>();
  options.progress = [&](uint64_t done, uint64_t total) {
    line->show(done, total);
  };
  const Clock::time_point start = Clock::now();
  BURIN_ASSIGN(names::ConvertReport report, names::convertModel(options));
  const double seconds = secondsSince(start);
  line.reset();
  return flags.json ? printJson(toJson(report, flags, seconds))
                    : print(toText(report, flags, seconds));
}

} // namespace

void addConvert(CLI::App& app, Action& chosen) {
  auto flags = std::make_shared<ConvertFlags>();
  CLI::App* command = addCommand(
      app, chosen, "convert", "Make a checkpoint from a published model",
      "  burin convert instruct-pix2pix/ -o ip2p.burin --dtype bf16\n"
      "  burin convert v1-5.safetensors --tokenizer tokenizer/ -o sd.burin\n"
      "  burin convert sd.burin --lora ink.safetensors:0.8 -o ink.burin\n"
      "\n"
      "The source is a diffusers folder (with model_index.json) or a single\n"
      "safetensors file of Stable Diffusion 1.x or InstructPix2Pix. Every\n"
      "tensor must be known and every tensor of the model must be there.",
      flags, execute);
  command
      ->add_option("SOURCE", flags->source.path,
                   "Diffusers folder or safetensors file; with --lora a "
                   "checkpoint")
      ->required();
  command
      ->add_option("-o,--output", flags->output,
                   "The checkpoint to write; an existing one is replaced")
      ->required();
  command
      ->add_option("--dtype", flags->dtype,
                   "Type of the weights: keep, f32, bf16 or f16")
      ->check(CLI::IsMember({"keep", "f32", "bf16", "f16"}))
      ->capture_default_str();
  command->add_option("--shard-size", flags->shardSize,
                      "Begin a further file beyond this size, such as 2GB; "
                      "without it there is one file");
  command->add_option("--tokenizer", flags->source.tokenizer,
                      "Folder with vocab.json and merges.txt (or "
                      "tokenizer.json), where the source has none");
  command->add_option("--licence", flags->licence,
                      "Licence to note, where the source names none");
  command
      ->add_option("--lora", flags->adapters,
                   "Merge a low-rank adapter, file or file:weight, into the "
                   "checkpoint SOURCE; give it again for several")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  addJsonOption(command, flags->json);
}

} // namespace burin::cli
