// SPDX-License-Identifier: Apache-2.0
// Reads a configuration, trains, shows how it goes and minds Ctrl-C.
#include "tools/burin/train.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <thread>

#include "models/train/train.h"
#include "tools/burin/progress.h"
#include "tools/burin/target.h"

namespace burin::cli {
namespace {

using train::TrainConfig;
using train::TrainEvents;
using train::TrainProgress;
using train::TrainSummary;

struct Options {
  std::string config, modules, compile, target;
  int processes = 1;
  bool example = false, quiet = false;
};

std::string help() {
  return "  burin data --out shards --count 100000 --size 256\n"
         "  burin data --out heldout --count 64 --size 256 --split heldout\n"
         "  burin train --example > train.json    # then adapt it\n"
         "  burin train train.json\n"
         "  burin edit photo.png \"make it night\" --model run/model.burin "
         "-o out.png\n\n"
         "The configuration, with every field; model, data, output and steps\n"
         "must be given, the rest has defaults. Relative paths begin in the\n"
         "configuration's folder.\n\n" +
         std::string(train::exampleTrainConfig()) +
         "\nThe network of 'model' learns; its autoencoder and text encoder\n"
         "stay, and the data passes through them once, into 'cache'. The\n"
         "output folder then holds model.burin, with averaged weights, states\n"
         "to go on from, log.jsonl, and curves for 'tensorboard --logdir'.\n"
         "Ctrl-C saves and ends; the same command goes on, with the losses\n"
         "that it would have had.\n\n"
         "In place of null 'adapter' may be\n"
         "  {\"rank\": 16, \"alpha\": 16, \"layout\": \"diffusers\",\n"
         "   \"targets\": [\"to_q\", \"to_k\", \"to_v\", \"to_out.0\"]}\n"
         "Then the model stays as it is and a low-rank adapter learns: the\n"
         "output is adapter.safetensors (layout peft: a folder adapter), for\n"
         "burin edit --lora. Targets are ends of the names of the UNet's "
         "layers,\n"
         "with '*' for any text.\n\n"
         "Several processes, each with a part of the batch, learn what one\n"
         "would; on cards each has its own, and NCCL is needed:\n"
         "  mpirun -n 2 burin train train.json\n"
         "SIGUSR1 to mpirun saves and ends.\n\n"
         "For a machine without the compiler:\n"
         "  burin train train.json --compile modules --target sm_90a    # "
         "here\n"
         "  burin train train.json --modules modules                    # "
         "there";
}

volatile std::sig_atomic_t stopAsked = 0;

// The first signal asks to stop, a second one ends the process at once.
void catchSignals() {
  struct sigaction action = {};
  action.sa_handler = [](int) { stopAsked = 1; };
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  ::sigaction(SIGUSR1, &action, nullptr); // which mpirun passes on
}

class Screen {
public:
  explicit Screen(bool quiet)
      : style_(Progress::detect(quiet)), progress_(style_) {}

  // Of the processes of a group the first one speaks.
  TrainEvents events(const ProcessGroup& group) {
    TrainEvents events;
    events.stopped = [] { return stopAsked != 0; };
    if (!group.isFirst())
      return events;
    events.stage = [this](const std::string& text) { progress_.stage(text); };
    events.note = [this](const std::string& text) { note(text); };
    events.encoding = [this](int64_t done, int64_t total) {
      if (done == 0 || due())
        progress_.step("encoding", static_cast<size_t>(done),
                       static_cast<size_t>(total));
    };
    events.progress = [this](const TrainProgress& now) { show(now); };
    events.retry = [this](const Status& status) { return waitToRetry(status); };
    return events;
  }
  void end() { progress_.endLine(); }

private:
  using Clock = std::chrono::steady_clock;

  // Told even when progress is not.
  void note(const std::string& text) {
    progress_.endLine();
    std::fprintf(stderr, "burin: %s\n", text.c_str());
  }

  void show(const TrainProgress& now) {
    bool last = now.step == now.steps;
    if (!due() && !last)
      return;
    constexpr size_t kWidth = 24;
    std::array<char, 64> loss;
    std::snprintf(loss.data(), loss.size(), ", loss %.5f, %.3g examples/s",
                  now.loss, now.examplesPerSecond);
    progress_.text(
        "training " +
        progressBar(static_cast<size_t>(now.step),
                    static_cast<size_t>(now.steps), kWidth) +
        loss.data() +
        (last ? "" : ", " + formatSeconds(now.secondsLeft) + " left"));
  }

  // A bar is redrawn ten times a second, a line comes every ten seconds.
  bool due() {
    auto pause = style_ == Progress::Style::kBar
                     ? std::chrono::milliseconds(100)
                     : std::chrono::seconds(10);
    Clock::time_point now = Clock::now();
    if (now - shown_ < pause)
      return false;
    shown_ = now;
    return true;
  }

  bool waitToRetry(const Status& status) {
    constexpr std::chrono::milliseconds kPoll{100};
    constexpr int kPolls = 100;
    if (status.message() != std::exchange(failure_, status.message()))
      note(status.message() + "; trying every 10 seconds, Ctrl-C gives up");
    for (int i = 0; i < kPolls && !stopAsked; ++i)
      std::this_thread::sleep_for(kPoll);
    return !stopAsked;
  }

  Progress::Style style_;
  Progress progress_;
  Clock::time_point shown_ = Clock::now();
  std::string failure_; // the latest that was told
};

std::string summaryText(const TrainConfig& config,
                        const TrainSummary& summary) {
  std::string text = "trained to step " + std::to_string(summary.last);
  int64_t steps = summary.last - summary.first;
  if (steps > 0) {
    std::array<char, 64> wait;
    std::snprintf(wait.data(), wait.size(), "%.1f %%",
                  100 * summary.waited / std::max(summary.seconds, 1e-9));
    text += ": " + std::to_string(steps) + " steps in " +
            formatSeconds(summary.seconds) + ", " + wait.data() +
            " of it waiting for data";
    if (summary.notFinite > 0)
      text += ", " + std::to_string(summary.notFinite) +
              " without an update (gradient not finite)";
  }
  return text + "\n" + train::modelPath(config) + "\n";
}

Status compile(const Options& options, const TrainConfig& config) {
  BURIN_ASSIGN(std::string target, chooseTarget(config.device, options.target));
  SingleProcess alone;
  Screen screen(options.quiet);
  Status status = train::compileModules(
      config, {target, options.compile, options.processes},
      screen.events(alone));
  screen.end();
  BURIN_TRY(status);
  return print(options.compile + ": the training's modules for " + target +
               "\n");
}

Status trainTogether(const Options& options, ProcessGroup& group) {
  Result<TrainConfig> config = train::readTrainConfig(options.config);
  BURIN_TRY(group.agree(config.status()));
  config->modules = options.modules;
  catchSignals();
  Screen screen(options.quiet);
  Result<TrainSummary> summary =
      train::train(*config, screen.events(group), group);
  screen.end();
  BURIN_TRY(summary.status());
  return group.isFirst() ? print(summaryText(*config, *summary)) : okStatus();
}

// An error of all processes is said once, before any of them ends: a launcher
// ends the others when one does.
Status sayOnce(const ProcessGroup& group, const Status& status) {
  if (status.ok() || group.size() == 1)
    return status;
  if (group.isFirst())
    std::fprintf(stderr, "burin: error: %s\n", status.message().c_str());
  return {status.code(), ""};
}

Status execute(const Options& options) {
  if (options.example)
    return print(std::string(train::exampleTrainConfig()));
  if (options.config.empty())
    return invalidArgument("name a configuration file; 'burin train "
                           "--example' prints one to start from");
  if (!options.compile.empty()) {
    BURIN_ASSIGN(TrainConfig config, train::readTrainConfig(options.config));
    return compile(options, config);
  }
  if (!options.target.empty())
    return invalidArgument("--target " + options.target +
                           " says what to compile for; it goes with --compile");
  BURIN_ASSIGN(std::unique_ptr<ProcessGroup> group, joinProcesses());
  return sayOnce(*group, trainTogether(options, *group));
}

} // namespace

void addTrain(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command = addCommand<Options>(
      app, chosen, "train",
      "Train a model to edit, from shards of examples; goes on where it ended",
      help(), options, execute);
  command->add_option("config", options->config,
                      "The configuration, a JSON file");
  command->add_flag("--example", options->example,
                    "Print a configuration to start from, and end");
  command->add_option("--modules", options->modules,
                      "Folder of modules from --compile, to compile nothing");
  command
      ->add_option("--compile", options->compile,
                   "Compile into this folder what the training runs, and end")
      ->excludes("--modules");
  addTargetOption(command, options->target);
  command
      ->add_option("--processes", options->processes,
                   "With --compile: how many will train together")
      ->needs("--compile")
      ->check(CLI::Range(1, 65536));
  command->add_flag("-q,--quiet", options->quiet, "Show no progress");
}

} // namespace burin::cli
