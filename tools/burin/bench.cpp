// SPDX-License-Identifier: Apache-2.0
// Measures Burin, then the peer in the same call, and prints both columns; or
// the kernels of a card one by one.
#include "tools/burin/bench.h"

#include "tools/burin/bench_kernels.h"
#include "tools/burin/bench_report.h"
#include "tools/burin/cli.h"

namespace burin::cli {
namespace {

struct Options {
  BenchOptions model;
  KernelBenchOptions kernels;
};

Status benchModel(const BenchOptions& options) {
  if (options.model.empty() || options.function.name.empty())
    return invalidArgument("burin bench needs a model and the name of a "
                           "function, or --kernels or --tune; see burin bench "
                           "--help");
  bool training = options.function.name == "train_step";
  if (options.parts > 1 && !training)
    return invalidArgument("--parts " + std::to_string(options.parts) +
                           " divides the batch of train_step, not of " +
                           options.function.name + "; leave it out");
  if (!options.weights.empty() && training)
    return invalidArgument("--weights is not for train_step, whose peer reads "
                           "the checkpoint itself; leave it out");
  BURIN_ASSIGN(Measured burin, measureBurin(options));
  if (!options.dump.empty())
    BURIN_TRY(dumpTensors(options, burin));
  std::optional<Peer> peer;
  if (!options.against.empty()) {
    BURIN_ASSIGN(peer, measureTorch(options, burin));
  }
  return options.json ? reportJson(options, burin, peer)
                      : reportText(options, burin, peer);
}

Status execute(const Options& options) {
  if (options.kernels.tune)
    return tuneKernels(options.kernels, options.model.device);
  if (options.kernels.kernels)
    return benchKernels(options.kernels, options.model.device,
                        options.model.json);
  return benchModel(options.model);
}

void addKernelOptions(CLI::App* command, KernelBenchOptions& options) {
  CLI::Option* kernels =
      command->add_flag("--kernels", options.kernels,
                        "Time a card's kernels on shapes, one by one");
  CLI::Option* tune = command->add_flag(
      "--tune", options.tune, "Find a card's fastest contraction tiles");
  command
      ->add_option("--shapes", options.shapes,
                   "FILE or FILE@BATCH, of bench/shapes/cuda; may be repeated")
      ->allow_extra_args(false);
  command->add_option("-o,--output", options.output, "The table of --tune")
      ->capture_default_str();
  tune->excludes(kernels);
}

} // namespace

void addBench(CLI::App& app, Action& chosen) {
  auto shared = std::make_shared<Options>();
  CLI::App* command = addCommand(
      app, chosen, "bench", "Time a function of a model, or a card's kernels",
      "  burin bench model.burin unet --batch 3\n"
      "  burin bench model.burin unet --batch 3 --threads 2 --against torch\n"
      "  burin bench model.burin unet --batch 3 --precision bf16 \\\n"
      "      --device cuda --against torch --weights DIFFUSERS_FOLDER\n"
      "  burin bench model.burin train_step --batch 32 --precision bf16 \\\n"
      "      --device cuda --against torch\n"
      "  burin bench model.burin unet --batch 8 --adapters 8 --rank 16\n"
      "  burin bench --kernels --shapes bench/shapes/cuda/unet_64.txt@3\n"
      "  burin bench --tune -o tuned.txt\n"
      "\nThe peer is PyTorch on the same network in the same call, in its\n"
      "faster memory layout; it runs a script of Burin's source tree. The\n"
      "column 'processor' adds up the threads' time of a run. On a card with "
      "its\n"
      "own memory, tensors stay there and 20 runs are timed as one batch.\n"
      "train_step is a whole update of the network, batch to the device and\n"
      "loss back included; the peer's has its batch there. Gradients are\n"
      "compared; the model needs float32 tensors for that to be exact.",
      shared, execute);
  BenchOptions* options = &shared->model;
  FunctionRequest& f = options->function;
  command->add_option("model", options->model, "Checkpoint (burin convert)");
  command->add_option("function", f.name, "Which function");
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
                      "A compiled module to use (burin compile); for "
                      "train_step a folder (burin train --compile)");
  addDeviceOption(command, options->device);
  addPrecisionOption(command, options->precision);
  command->add_option("--repeat", options->repeat, "Runs, after one to warm up")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  CLI::Option* against =
      command->add_option("--against", options->against, "A peer: torch")
          ->check(CLI::IsMember({"torch"}));
  addAdapterOptions(command, options->adapters)->excludes(against);
  command->add_option("--weights", options->weights,
                      "The diffusers folder that the model was converted "
                      "from: outputs are compared too");
  command->add_option("--python", options->python, "The peer's interpreter")
      ->capture_default_str();
  command->add_option("--script", options->script, "The peer's script")
      ->capture_default_str();
  command->add_option("--dump", options->dump,
                      "Folder to write inputs and outputs to; those of "
                      "train_step are its gradients");
  command
      ->add_option("--parts", options->parts,
                   "Of a train_step's batch, which go through the network one "
                   "by one")
      ->check(CLI::Range(1, 1024));
  command->add_flag("--profile", options->profile,
                    "Show the time by kernel and by layer");
  addThreadsOption(command, options->threads);
  addJsonOption(command, options->json);
  addKernelOptions(command, shared->kernels);
}

} // namespace burin::cli
