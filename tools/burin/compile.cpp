// SPDX-License-Identifier: Apache-2.0
// Compiles ahead of time, for machines without the compiler.
#include "tools/burin/compile.h"

#include <chrono>

#include <nlohmann/json.hpp>

#include "formats/file/atomic_file.h"
#include "formats/module/module.h"
#include "models/pipeline/compile_request.h"
#include "models/pipeline/device.h"
#include "models/pipeline/edit.h"
#include "models/pipeline/module_cache.h"
#include "tools/burin/adapter_options.h"
#include "tools/burin/target.h"

namespace burin::cli {
namespace {

struct CompileCommand {
  std::string model;
  FunctionRequest function;
  AdapterOptions adapters;
  std::string output;
  std::string precision = "f32";
  std::string device, target;
  bool noCache = false;
  bool json = false;
};

// The functions to compile: one, or the four of an edit of height x width
// pixels with the model's own scales.
Result<std::vector<FunctionRequest>> functionsOf(const CompileCommand& options,
                                                 const Checkpoint& checkpoint) {
  FunctionRequest f = options.function;
  BURIN_TRY(addAdapters(options.adapters, checkpoint, f));
  if (f.name != "edit")
    return std::vector{f};
  if (f.adapter)
    return unimplemented("--adapters are compiled with unet and edit_step, "
                         "not with edit");
  return pipeline::editFunctions(
      checkpoint, {static_cast<int>(f.width), static_cast<int>(f.height)},
      static_cast<size_t>(f.batch));
}

Status execute(const CompileCommand& options) {
  BURIN_ASSIGN(Checkpoint checkpoint, Checkpoint::open(options.model));
  BURIN_ASSIGN(std::vector<FunctionRequest> functions,
               functionsOf(options, checkpoint));
  CompileTarget target;
  BURIN_ASSIGN(target.processor, chooseTarget(options.device, options.target));
  target.precision = options.precision;
  if (options.function.name == "edit")
    target.layout = Layout::kNhwc; // as burin edit has pictures
  BURIN_ASSIGN(std::string request,
               compileRequest(checkpoint, functions, target));
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
      "  burin run model.burin unet --module unet.burinm ...\n"
      "  burin compile model.burin --function edit --height 512 --width 512 "
      "\\\n"
      "      --device cuda --precision bf16 -o edit.burinm\n"
      "  burin edit photo.png \"make it night\" --module edit.burinm ...\n\n"
      "Height and width are those of the function's input: latents for unet\n"
      "and vae_decoder, pixels for vae_encoder. Functions: unet, vae_encoder,\n"
      "vae_decoder, text_encoder, and what an edit runs on a device with all\n"
      "guidance branches: edit (all four, for pictures of that size),\n"
      "edit_text, edit_picture, edit_step, edit_decode, --batch counting "
      "edits. Other commands compile by themselves what\n"
      "they need; compiling ahead serves machines without the compiler.\n"
      "'burin train --compile' does so for a training.",
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
  addAdapterOptions(command, options->adapters);
  addPrecisionOption(command, options->precision);
  addTargetOption(command, options->target);
  command->add_option("--device", options->device,
                      "Compile for " + std::string(kDeviceNames) +
                          "; the card need not be there");
  command->add_flag("--no-cache", options->noCache,
                    "Compile even when the cache has the module");
  addJsonOption(command, options->json);
}

} // namespace burin::cli
