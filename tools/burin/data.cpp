// SPDX-License-Identifier: Apache-2.0
// `burin data`: options, progress bar, and the call that makes the shards.
#include "tools/burin/data.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <thread>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "models/data/produce.h"

namespace burin::cli {
namespace {

struct DataOptions {
  std::string folder;
  std::string font = data::kDefaultFont;
  std::string names = data::kDefaultNames;
  std::string split = "train";
  std::string kind;
  data::ProduceOptions produce;
  int threads = 0;
  bool list = false;
  bool json = false;
};

using Clock = std::chrono::steady_clock;

double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// A bar on the terminal, redrawn ten times a second; silent elsewhere.
class Progress {
public:
  explicit Progress(int64_t total)
      : total_(total), visible_(isatty(STDERR_FILENO)) {}

  void show(int64_t done) {
    double now = secondsSince(start_);
    if (!visible_ || (now - shown_ < 0.1 && done < total_))
      return;
    shown_ = now;
    constexpr int kWidth = 30;
    int full = static_cast<int>(done * kWidth / total_);
    std::string bar = std::string(full, '#') + std::string(kWidth - full, '.');
    double left = done ? now / static_cast<double>(done) *
                             static_cast<double>(total_ - done)
                       : 0;
    std::fprintf(stderr, "\r[%s] %lld/%lld examples, %.0f/s, %s left  %s",
                 bar.c_str(), static_cast<long long>(done),
                 static_cast<long long>(total_),
                 static_cast<double>(done) / std::max(now, 1e-3),
                 formatSeconds(left).c_str(), done == total_ ? "\n" : "");
  }

private:
  int64_t total_;
  bool visible_;
  double shown_ = -1;
  Clock::time_point start_ = Clock::now();
};

Status listSubjects(const data::Catalogue& catalogue, bool json) {
  nlohmann::json rows = nlohmann::json::array();
  std::string text;
  for (const data::Subject& s : catalogue.subjects()) {
    const char* use = s.heldOut ? "held out" : s.drawable ? "drawn" : "kept";
    rows.push_back({{"name", s.name}, {"category", s.category}, {"use", use}});
    text += s.name + "\t" + s.category + "\t" + use + "\n";
  }
  return json ? printJson(rows) : print(text);
}

Status makeFolder(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    return unavailable("cannot make the folder '" + folder +
                       "': " + error.message());
  return okStatus();
}

Status execute(const DataOptions& options) {
  data::ProduceOptions produce = options.produce;
  produce.split =
      options.split == "heldout" ? data::Split::kHeldOut : data::Split::kTrain;
  if (!options.kind.empty())
    produce.kind = data::editFromName(options.kind);
  int processors = static_cast<int>(std::thread::hardware_concurrency());
  produce.threads =
      options.threads > 0 ? options.threads : std::max(1, processors);
  if (!options.list && options.folder.empty())
    return invalidArgument("name a folder for the shards with --out, or ask "
                           "for --list-subjects");

  BURIN_ASSIGN(data::Catalogue catalogue,
               data::Catalogue::open(options.font, options.names));
  if (options.list)
    return listSubjects(catalogue, options.json);
  BURIN_TRY(makeFolder(options.folder));
  Progress progress(produce.count);
  Clock::time_point start = Clock::now();
  BURIN_TRY(
      data::produce(catalogue, produce, options.folder, [&](int64_t done) {
        progress.show(done);
        return true;
      }));
  double seconds = secondsSince(start);
  double rate = static_cast<double>(produce.count) / std::max(seconds, 1e-6);
  if (options.json)
    return printJson({{"examples", produce.count},
                      {"seconds", seconds},
                      {"examples_per_second", rate},
                      {"threads", produce.threads},
                      {"folder", options.folder}});
  return print(std::to_string(produce.count) + " examples in " +
               options.folder + ", " + formatSeconds(seconds) + ", " +
               std::to_string(static_cast<int64_t>(rate)) + " a second on " +
               std::to_string(produce.threads) + " threads\n");
}

} // namespace

void addData(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<DataOptions>();
  data::ProduceOptions& produce = options->produce;
  CLI::App* command = addCommand(
      app, chosen, "data",
      "Makes examples for training: a picture, an instruction, the result.",
      "  burin data --out shards --count 100000\n"
      "  burin data --out test --count 1000 --split heldout --seed 7\n"
      "  burin data --out moves --count 5000 --kind move\n"
      "  burin data --list-subjects\n",
      options, execute);
  command->add_option("--out", options->folder,
                      "Folder for the shards (safetensors files)");
  command->add_option("--count", produce.count, "How many examples")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 40))
      ->capture_default_str();
  command->add_option("--first", produce.first, "Index of the first example")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 40))
      ->capture_default_str();
  command->add_option("--seed", produce.seed, "Another seed, other examples")
      ->capture_default_str();
  command->add_option("--size", produce.side, "Side of the pictures in pixels")
      ->check(CLI::Range(8, 2048))
      ->capture_default_str();
  command
      ->add_option("--split", options->split,
                   "train, or heldout: scenes, backgrounds, pairings, "
                   "subjects and phrasings that training never shows")
      ->check(CLI::IsMember({"train", "heldout"}))
      ->capture_default_str();
  std::vector<std::string> kinds(data::kEditNames.begin(),
                                 data::kEditNames.end());
  command->add_option("--kind", options->kind, "Only edits of this kind")
      ->check(CLI::IsMember(kinds));
  command->add_option("--shard", produce.shardExamples, "Examples in one file")
      ->check(CLI::Range(1, 1 << 16))
      ->capture_default_str();
  command->add_option("--font", options->font, "Emoji font with bitmaps")
      ->capture_default_str();
  command->add_option("--names", options->names, "Unicode's emoji-test.txt")
      ->capture_default_str();
  command->add_flag("--list-subjects", options->list,
                    "Print the subjects and how they are used, and end");
  addThreadsOption(command, options->threads);
  addJsonOption(command, options->json);
}

} // namespace burin::cli
