// SPDX-License-Identifier: Apache-2.0
// Measures Burin, then the peer in the same call, and prints both columns.
#include "tools/burin/bench.h"

#include "tools/burin/bench_report.h"
#include "tools/burin/cli.h"

namespace burin::cli {
namespace {

Status execute(const BenchOptions& options) {
  BURIN_ASSIGN(Measured burin, measureBurin(options));
  std::optional<Peer> peer;
  if (!options.against.empty()) {
    BURIN_ASSIGN(peer, measureTorch(options, burin));
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
      "  burin bench model.burin unet --batch 3 --precision bf16 \\\n"
      "      --device cuda --against torch --weights DIFFUSERS_FOLDER\n"
      "\nThe peer is PyTorch on the same network in the same call, in its\n"
      "faster memory layout; it runs a script of Burin's source tree. The\n"
      "column 'processor' adds up the threads' time of a run. On a card with "
      "its\n"
      "own memory, tensors stay there and 20 runs are timed as one batch.",
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
  command->add_option("--module", options->module,
                      "A compiled module to use (burin compile)");
  addDeviceOption(command, options->device);
  addPrecisionOption(command, options->precision);
  command->add_option("--repeat", options->repeat, "Runs, after one to warm up")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command->add_option("--against", options->against, "A peer: torch")
      ->check(CLI::IsMember({"torch"}));
  command->add_option("--weights", options->weights,
                      "The diffusers folder that the model was converted "
                      "from: outputs are compared too");
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
