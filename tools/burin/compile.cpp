// SPDX-License-Identifier: Apache-2.0
// Compiles ahead of time, for machines without the compiler.
#include "tools/burin/compile.h"

#include <chrono>

#include <nlohmann/json.hpp>

#include "formats/file/atomic_file.h"
#include "formats/module/module.h"
#include "models/pipeline/compile_request.h"
#include "models/pipeline/module_cache.h"
#include "runtime/device/cpu/cpu_target.h"

namespace burin::cli {
namespace {

struct CompileCommand {
  std::string model;
  FunctionRequest function;
  std::string output;
  std::string precision = "f32";
  std::string target;
  bool noCache = false;
  bool json = false;
};

Status execute(const CompileCommand& options) {
  BURIN_ASSIGN(Checkpoint checkpoint, Checkpoint::open(options.model));
  CompileTarget target;
  target.processor = options.target;
  target.precision = options.precision;
  if (target.processor.empty()) {
    BURIN_ASSIGN(target.processor, hostTarget());
  }
  BURIN_ASSIGN(std::string request,
               compileRequest(checkpoint, {&options.function, 1}, target));
  bool compiled = false;
  ModuleCacheOptions compile;
  compile.onCompile = [&] { compiled = true; };
  if (options.noCache)
    compile.cacheFolder.clear();
  using Clock = std::chrono::steady_clock;
  auto before = Clock::now();
  BURIN_ASSIGN(ModuleBytes module, cachedModule(request, compile));
  double seconds = std::chrono::duration<double>(Clock::now() - before).count();
  BURIN_TRY(writeFileAtomically(options.output, module.bytes()));

  auto size = module.bytes().size();
  if (options.json)
    return printJson({{"output", options.output},
                      {"bytes", size},
                      {"seconds", seconds},
                      {"from_cache", !compiled},
                      {"target", target.processor}});
  return print(options.output + ": " + formatBytes(static_cast<double>(size)) +
               " for " + target.processor + ", " +
               (compiled ? "compiled in " : "from the cache in ") +
               formatSeconds(seconds) + "\n");
}

} // namespace

void addCompile(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<CompileCommand>();
  CLI::App* command = addCommand(
      app, chosen, "compile", "Compile one function of a model ahead of time",
      "  burin compile model.burin --function unet --batch 3 --height 64 \\\n"
      "      --width 64 --tokens 77 -o unet.burinm\n"
      "  burin compile model.burin --function text_encoder --tokens 77 \\\n"
      "      -o text.burinm\n"
      "  burin run model.burin unet --module unet.burinm ...\n\n"
      "Height and width are those of the function's input: latents for unet\n"
      "and vae_decoder, pixels for vae_encoder. Functions: unet, vae_encoder,\n"
      "vae_decoder, text_encoder. Other commands compile by themselves what\n"
      "they need; compiling ahead serves machines without the compiler.",
      options, execute);
  command->add_option("model", options->model, "Checkpoint (burin convert)")
      ->required();
  command->add_option("--function", options->function.name, "Which function")
      ->required();
  command->add_option("--batch", options->function.batch, "Samples at once")
      ->capture_default_str();
  command->add_option("--height", options->function.height,
                      "Rows of the input");
  command->add_option("--width", options->function.width,
                      "Columns of the input");
  command->add_option("--tokens", options->function.tokens,
                      "Length of the text");
  command->add_option("-o,--output", options->output, "Module to write")
      ->required();
  command
      ->add_option("--precision", options->precision,
                   "f32, or bf16 products with float32 sums")
      ->check(CLI::IsMember({"f32", "bf16"}))
      ->capture_default_str();
  command
      ->add_option("--target", options->target,
                   "Processor level; this machine's when left out")
      ->check(CLI::IsMember({"x86-64-v3", "x86-64-v4"}));
  command->add_flag("--no-cache", options->noCache,
                    "Compile even when the cache has the module");
  addJsonOption(command, options->json);
}

} // namespace burin::cli
