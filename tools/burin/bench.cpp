// SPDX-License-Identifier: Apache-2.0
// Measures Burin, then the peer in the same call, and prints both columns.
#include "tools/burin/bench.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <optional>
#include <thread>

#include <nlohmann/json.hpp>
#include <sys/resource.h>

#include "models/pipeline/session.h"
#include "tools/burin/profile_report.h"
#include "tools/burin/subprocess.h"

namespace burin::cli {
namespace {

using nlohmann::json;

struct BenchOptions {
  std::string model;
  FunctionRequest function = {"", 1, 0, 0, 0};
  std::string precision = "f32";
  std::string against;
  std::string python = "python3";
  std::string script = "bench/reference/torch_peer.py";
  int threads = 0;
  int repeat = 5;
  bool profile = false;
  bool json = false;
};

// Seconds of one run. `processor` sums over threads: it tells the work where
// other programs take part of the machine.
struct Timing {
  double best = 0;
  double median = 0;
  double processor = 0;
};

struct Measured {
  Timing timing;
  SessionTimes opening;
  double flops = 0;
  double peakBytes = 0;
  std::string profile;
};

struct Peer {
  std::string name; // "torch 2.11.0, channels_last"
  Timing timing;    // of its faster memory layout
  double peakBytes = 0;
};

double processorSeconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

double peakBytes() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024;
}

// Fills in the extents of Stable Diffusion at 512 pixels.
void completeRequest(FunctionRequest& request, const FunctionKind& kind) {
  int64_t side = kind.imageInput == "image" ? 512 : 64;
  if (!kind.imageInput.empty()) {
    request.height = request.height ? request.height : side;
    request.width = request.width ? request.width : side;
  }
  if (!kind.tokensInput.empty() && !request.tokens)
    request.tokens = 77;
}

// Tensors for a function: floats between -1 and 1, token ids zero.
struct Tensors {
  explicit Tensors(const FunctionInfo& function) {
    uint32_t state = 1;
    for (const TensorSpec& spec : function.inputs) {
      auto& bytes = storage.emplace_back(*byteCount(spec.dtype, spec.shape));
      auto* values = reinterpret_cast<float*>(bytes.data());
      for (size_t i = 0; spec.dtype == DType::kF32 && i < bytes.size() / 4; ++i)
        values[i] = static_cast<float>(static_cast<int32_t>(
                        state = state * 1664525u + 1013904223u)) *
                    0x1p-31f;
      inputs.push_back({spec.name, spec.dtype, spec.shape, bytes});
    }
    for (const TensorSpec& spec : function.outputs) {
      auto& bytes = storage.emplace_back(*byteCount(spec.dtype, spec.shape));
      outputs.push_back({spec.name, spec.dtype, spec.shape, bytes});
    }
  }

  std::vector<std::vector<std::byte>> storage;
  std::vector<TensorView> inputs;
  std::vector<OutputView> outputs;
};

Result<Measured> measure(Session& session, const FunctionInfo& function,
                         const BenchOptions& options) {
  using Clock = std::chrono::steady_clock;
  Tensors tensors(function);
  std::vector<double> steps(options.profile ? function.steps.size() : 0);
  std::vector<double> seconds;
  double processor = 0;
  for (int i = 0; i <= options.repeat; ++i) { // the first one warms up
    ExecuteOptions execute;
    std::fill(steps.begin(), steps.end(), 0.0);
    execute.seconds = steps;
    double busy = processorSeconds();
    auto before = Clock::now();
    BURIN_TRY(session.program().run(function, tensors.inputs, tensors.outputs,
                                    execute));
    if (i == 0)
      continue;
    processor += processorSeconds() - busy;
    seconds.push_back(
        std::chrono::duration<double>(Clock::now() - before).count());
  }
  std::sort(seconds.begin(), seconds.end());
  Measured measured;
  measured.timing = {seconds.front(), seconds[seconds.size() / 2],
                     processor / options.repeat};
  measured.opening = session.times();
  measured.peakBytes = peakBytes();
  for (const StepInfo& step : function.steps)
    measured.flops += static_cast<double>(step.flops);
  if (options.profile)
    measured.profile = profileText(function.steps, steps);
  return measured;
}

Result<Measured> measureBurin(const BenchOptions& options,
                              const FunctionKind& kind,
                              std::string& configText) {
  BURIN_ASSIGN(Checkpoint checkpoint, Checkpoint::open(options.model));
  if (auto text = checkpoint.metadata(std::string(kind.component) + ".config"))
    configText = *text;
  SessionOptions session;
  session.threads = options.threads;
  session.precision = options.precision;
  BURIN_ASSIGN(auto model, Session::open(std::move(checkpoint),
                                         {&options.function, 1}, session));
  BURIN_ASSIGN(const FunctionInfo* function,
               model->program().find(options.function.name));
  return measure(*model, *function, options);
}

Timing timingOf(const json& value) {
  return {value.value("best", 0.0), value.value("median", 0.0),
          value.value("processor", 0.0)};
}

Result<Peer> measureTorch(const BenchOptions& options,
                          const std::string& configText) {
  const FunctionRequest& f = options.function;
  int threads = options.threads
                    ? options.threads
                    : static_cast<int>(std::thread::hardware_concurrency());
  json request = {{"function", f.name},
                  {"batch", f.batch},
                  {"height", f.height},
                  {"width", f.width},
                  {"tokens", f.tokens},
                  {"threads", threads},
                  {"repeats", options.repeat},
                  {"dtype", options.precision},
                  {"config", json::parse(configText, nullptr, false)}};
  std::string words[] = {options.python, options.script, request.dump()};
  auto output = runProgram(words);
  if (!output.ok())
    return output.status().within(
        "the peer needs python with torch, diffusers and transformers "
        "(--python) and its script (--script)");
  json answer = json::parse(*output, nullptr, false);
  if (!answer.is_object() || !answer["layouts"].is_object() ||
      answer["layouts"].empty() || !answer["torch"].is_string())
    return internalError("'" + options.script + "' printed no result");
  Peer peer;
  for (const auto& [layout, value] : answer["layouts"].items()) {
    Timing timing = timingOf(value);
    if (peer.name.empty() || timing.best < peer.timing.best) {
      peer.name = "torch " + answer["torch"].get<std::string>() + ", " + layout;
      peer.timing = timing;
    }
  }
  peer.peakBytes = answer.value("peak_bytes", 0.0);
  return peer;
}

std::string row(const std::string& name, const Timing& timing, double flops,
                double peak) {
  char text[160];
  std::snprintf(text, sizeof(text), "%-28s %10s %10s %10s %9.1f %10s\n",
                name.c_str(), formatSeconds(timing.best).c_str(),
                formatSeconds(timing.median).c_str(),
                formatSeconds(timing.processor).c_str(),
                flops / timing.best * 1e-9, formatBytes(peak).c_str());
  return text;
}

std::string describe(const BenchOptions& options) {
  const FunctionRequest& f = options.function;
  std::string text = f.name + ", batch " + std::to_string(f.batch);
  if (f.height)
    text += ", " + std::to_string(f.height) + "x" + std::to_string(f.width);
  if (f.tokens)
    text += ", " + std::to_string(f.tokens) + " tokens";
  return text + ", " + options.precision;
}

Status reportText(const BenchOptions& options, const Measured& burin,
                  const std::optional<Peer>& peer) {
  const SessionTimes& opening = burin.opening;
  std::string text =
      describe(options) + ", best of " + std::to_string(options.repeat) + "\n";
  text += "module " + formatSeconds(opening.module) + ", load " +
          formatSeconds(opening.load) + ", prepare " +
          formatSeconds(opening.prepare) + "\n\n";
  char head[160];
  std::snprintf(head, sizeof(head), "%-28s %10s %10s %10s %9s %10s\n", "",
                "best", "median", "processor", "GFLOP/s", "memory");
  text += head;
  text += row("burin", burin.timing, burin.flops, burin.peakBytes);
  if (peer) {
    text += row(peer->name, peer->timing, burin.flops, peer->peakBytes);
    char ratio[160];
    std::snprintf(ratio, sizeof(ratio), "%-28s %10.2f %10.2f %10.2f\n",
                  "burin / torch", burin.timing.best / peer->timing.best,
                  burin.timing.median / peer->timing.median,
                  burin.timing.processor / peer->timing.processor);
    text += ratio;
  }
  if (!burin.profile.empty())
    text += "\n" + burin.profile;
  return print(text);
}

json toJson(const Timing& timing, double peak) {
  return {{"best_seconds", timing.best},
          {"median_seconds", timing.median},
          {"processor_seconds", timing.processor},
          {"peak_bytes", peak}};
}

Status reportJson(const BenchOptions& options, const Measured& burin,
                  const std::optional<Peer>& peer) {
  json result = {{"what", describe(options)}, {"flops", burin.flops}};
  result["burin"] = toJson(burin.timing, burin.peakBytes);
  result["burin"]["module_seconds"] = burin.opening.module;
  result["burin"]["load_seconds"] = burin.opening.load;
  result["burin"]["prepare_seconds"] = burin.opening.prepare;
  if (peer) {
    result["torch"] = toJson(peer->timing, peer->peakBytes);
    result["torch"]["name"] = peer->name;
    result["ratio"] = burin.timing.best / peer->timing.best;
  }
  return printJson(result);
}

Status execute(const BenchOptions& given) {
  BenchOptions options = given;
  BURIN_ASSIGN(FunctionKind kind, findFunctionKind(options.function.name));
  completeRequest(options.function, kind);
  std::string config;
  BURIN_ASSIGN(Measured burin, measureBurin(options, kind, config));
  std::optional<Peer> peer;
  if (!options.against.empty()) {
    BURIN_ASSIGN(peer, measureTorch(options, config));
  }
  return options.json ? reportJson(options, burin, peer)
                      : reportText(options, burin, peer);
}

} // namespace

void addBench(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<BenchOptions>();
  CLI::App* command = addCommand(
      app, chosen, "bench", "Time one function of a model",
      "  burin bench model.burin unet --batch 3\n"
      "  burin bench model.burin unet --batch 3 --threads 2 --against torch\n"
      "\nThe peer is PyTorch on the same network in the same call, in its\n"
      "faster memory layout; it runs a script of Burin's source tree. The\n"
      "column 'processor' adds up the threads' time of a run.",
      options, execute);
  FunctionRequest& f = options->function;
  command->add_option("model", options->model, "Checkpoint (burin convert)")
      ->required();
  command->add_option("function", f.name, "Which function")->required();
  auto extent = CLI::Range(1, 16384);
  command->add_option("--batch", f.batch, "Samples at once")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command->add_option("--height", f.height, "Of the input tensor")
      ->check(extent);
  command->add_option("--width", f.width, "Of the input tensor")->check(extent);
  command->add_option("--tokens", f.tokens, "Tokens of the text")
      ->check(extent);
  command
      ->add_option("--precision", options->precision,
                   "f32, or bf16 products with float32 sums")
      ->check(CLI::IsMember({"f32", "bf16"}))
      ->capture_default_str();
  command->add_option("--repeat", options->repeat, "Runs, after one to warm up")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command->add_option("--against", options->against, "A peer: torch")
      ->check(CLI::IsMember({"torch"}));
  command->add_option("--python", options->python, "The peer's interpreter")
      ->capture_default_str();
  command->add_option("--script", options->script, "The peer's script")
      ->capture_default_str();
  command->add_flag("--profile", options->profile,
                    "Show the time by kernel and by layer");
  addThreadsOption(command, options->threads);
  addJsonOption(command, options->json);
}

} // namespace burin::cli
