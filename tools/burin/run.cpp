// SPDX-License-Identifier: Apache-2.0
// Reads inputs, specialises the function to their shapes, runs it and writes
// its outputs.
#include "tools/burin/run.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "formats/safetensors/safetensors.h"
#include "models/pipeline/session.h"
#include "tools/burin/profile_report.h"
#include "tools/burin/tensor_convert.h"

namespace burin::cli {
namespace {

struct RunOptions {
  std::string model;
  std::string function;
  std::string inputs;
  std::string outputs;
  std::string module;
  std::string device = "cpu", precision = "f32";
  int threads = 0;
  int repeat = 1;
  bool profile = false;
  bool json = false;
};

std::string describe(std::string_view name, DType dtype,
                     std::span<const int64_t> shape) {
  return "'" + std::string(name) + "' " + std::string(burin::name(dtype)) +
         toString(shape);
}

template <typename Tensors>
std::string listOf(const Tensors& tensors) {
  std::string list;
  for (const auto& tensor : tensors)
    list += (list.empty() ? "" : ", ") +
            describe(tensor.name, tensor.dtype, tensor.shape);
  return list.empty() ? "nothing" : list;
}

// The input that decides an extent, with the rank it must have.
Result<const TensorView*> decidingInput(const SafetensorsFile& file,
                                        std::string_view name, size_t rank,
                                        const char* shape) {
  const TensorView* tensor = file.find(name);
  if (!tensor)
    return notFound("input '" + std::string(name) + "' " + shape +
                    " is missing; '" + file.file().path() + "' has " +
                    listOf(file.tensors()));
  if (tensor->shape.size() != rank)
    return invalidArgument("input " +
                           describe(name, tensor->dtype, tensor->shape) +
                           " should have the form " + shape);
  return tensor;
}

Result<FunctionRequest> specialise(const FunctionKind& kind,
                                   const SafetensorsFile& inputs) {
  if (kind.part)
    return invalidArgument("'" + std::string(kind.name) +
                           "' is a part of an edit or of training; run that, "
                           "or time it with 'burin bench'");
  FunctionRequest request;
  request.name = kind.name;
  if (!kind.tokensInput.empty()) {
    bool ids = kind.imageInput.empty();
    BURIN_ASSIGN(
        const TensorView* tensor,
        decidingInput(inputs, kind.tokensInput, ids ? 2 : 3,
                      ids ? "[batch,tokens]" : "[batch,tokens,width]"));
    request.batch = tensor->shape[0];
    request.tokens = tensor->shape[1];
  }
  if (!kind.imageInput.empty()) {
    BURIN_ASSIGN(const TensorView* tensor,
                 decidingInput(inputs, kind.imageInput, 4,
                               "[batch,channels,height,width]"));
    request.batch = tensor->shape[0];
    request.height = tensor->shape[2];
    request.width = tensor->shape[3];
  }
  return request;
}

// The function's inputs, converted where their type differs.
struct Inputs {
  std::vector<std::vector<std::byte>> storage;
  std::vector<TensorView> views;
};

Result<Inputs> gatherInputs(const FunctionInfo& function,
                            const SafetensorsFile& file) {
  Inputs inputs;
  for (const TensorSpec& spec : function.inputs) {
    const TensorView* tensor = file.find(spec.name);
    if (!tensor || !std::ranges::equal(tensor->shape, spec.shape) ||
        file.tensors().size() != function.inputs.size())
      return invalidArgument("function '" + std::string(function.name) +
                             "' takes " + listOf(function.inputs) + "; '" +
                             file.file().path() + "' has " +
                             listOf(file.tensors()));
    // Also where the type is right: the file may place data unaligned.
    BURIN_ASSIGN(auto bytes, convertElements(*tensor, spec.dtype));
    inputs.storage.push_back(std::move(bytes));
    inputs.views.push_back(
        {spec.name, spec.dtype, spec.shape, inputs.storage.back()});
  }
  return inputs;
}

struct Outputs {
  explicit Outputs(const FunctionInfo& function) {
    for (const TensorSpec& spec : function.outputs) {
      storage.emplace_back(*byteCount(spec.dtype, spec.shape));
      views.push_back({spec.name, spec.dtype, spec.shape, storage.back()});
    }
  }
  Status write(const std::string& path) const {
    std::vector<TensorView> tensors;
    for (const OutputView& view : views)
      tensors.push_back({view.name, view.dtype, view.shape, view.data});
    return writeSafetensors(path, tensors);
  }

  std::vector<std::vector<std::byte>> storage;
  std::vector<OutputView> views;
};

// The fastest of `options.repeat` runs; `steps` receives the seconds of its
// steps when it is not empty.
Result<double> runRepeatedly(Session& session, const FunctionInfo& function,
                             const Inputs& inputs, const Outputs& outputs,
                             const RunOptions& options,
                             std::vector<double>& steps) {
  using Clock = std::chrono::steady_clock;
  double best = 0;
  for (int i = 0; i < options.repeat; ++i) {
    std::vector<double> seconds(steps.size());
    ExecuteOptions execute;
    execute.seconds = seconds;
    auto before = Clock::now();
    BURIN_TRY(
        session.program().run(function, inputs.views, outputs.views, execute));
    double taken = std::chrono::duration<double>(Clock::now() - before).count();
    if (i == 0 || taken < best) {
      best = taken;
      steps = seconds;
    }
  }
  return best;
}

Status report(const Session& session, const FunctionInfo& function,
              double seconds, const std::vector<double>& steps,
              const RunOptions& options) {
  const SessionTimes& times = session.times();
  if (options.json) {
    nlohmann::json result = {
        {"function", function.name},  {"module_seconds", times.module},
        {"load_seconds", times.load}, {"prepare_seconds", times.prepare},
        {"run_seconds", seconds},     {"steps", function.steps.size()},
        {"outputs", options.outputs}};
    if (options.profile)
      result["profile"] = profileJson(function.steps, steps);
    return printJson(result);
  }
  std::string text =
      "module " + formatSeconds(times.module) + ", load " +
      formatSeconds(times.load) + ", prepare " + formatSeconds(times.prepare) +
      ", run " + formatSeconds(seconds) +
      (options.repeat > 1 ? " (best of " + std::to_string(options.repeat) + ")"
                          : "") +
      "\n";
  if (options.profile)
    text += profileText(function.steps, steps);
  return print(text);
}

Status execute(const RunOptions& options) {
  BURIN_ASSIGN(FunctionKind kind, findFunctionKind(options.function));
  BURIN_ASSIGN(Checkpoint checkpoint, Checkpoint::open(options.model));
  BURIN_ASSIGN(SafetensorsFile file, SafetensorsFile::open(options.inputs));
  BURIN_ASSIGN(FunctionRequest request, specialise(kind, file));

  SessionOptions session;
  session.device = options.device;
  session.threads = options.threads;
  session.precision = options.precision;
  session.moduleFile = options.module;
  session.compile.onCompile = [&] {
    if (!options.json)
      std::fprintf(stderr, "compiling %s for these shapes ...\n",
                   options.function.c_str());
  };
  BURIN_ASSIGN(auto model,
               Session::open(std::move(checkpoint), {&request, 1}, session));
  BURIN_ASSIGN(const FunctionInfo* function,
               model->program().find(options.function));
  BURIN_ASSIGN(Inputs inputs, gatherInputs(*function, file));
  Outputs outputs(*function);
  std::vector<double> steps(options.profile ? function->steps.size() : 0);
  BURIN_ASSIGN(double seconds, runRepeatedly(*model, *function, inputs, outputs,
                                             options, steps));
  BURIN_TRY(outputs.write(options.outputs));
  return report(*model, *function, seconds, steps, options);
}

} // namespace

void addRun(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<RunOptions>();
  CLI::App* command = addCommand(
      app, chosen, "run", "Run one function of a model on tensors from a file",
      "  burin run model.burin unet --inputs in.safetensors \\\n"
      "      --outputs out.safetensors\n"
      "  burin run model.burin unet --inputs in.safetensors \\\n"
      "      --outputs out.safetensors --profile --repeat 5\n\n"
      "Functions, their inputs and outputs (PyTorch's layout and names):\n"
      "  unet          sample [batch,channels,height,width], timestep "
      "[batch],\n"
      "                encoder_hidden_states [batch,tokens,width] -> sample\n"
      "  vae_encoder   image [batch,3,height,width] -> moments\n"
      "  vae_decoder   latent [batch,channels,height,width] -> image\n"
      "  text_encoder  input_ids [batch,tokens] -> last_hidden_state,\n"
      "                pooled_output\n"
      "The function is compiled for the shapes of the inputs, once: compiled\n"
      "modules are kept in the cache folder. Numbers of another type than the\n"
      "function's are converted; only floats never become integers.",
      options, execute);
  command->add_option("model", options->model, "Checkpoint (burin convert)")
      ->required();
  command->add_option("function", options->function, "Which function")
      ->required();
  command->add_option("--inputs", options->inputs, "Inputs, safetensors")
      ->required();
  command
      ->add_option("--outputs", options->outputs,
                   "Where to write the outputs, safetensors")
      ->required();
  command->add_option("--module", options->module,
                      "A compiled module to use (burin compile)");
  addDeviceOption(command, options->device);
  addPrecisionOption(command, options->precision);
  command
      ->add_option("--repeat", options->repeat,
                   "Run this often and tell the best time")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command->add_flag("--profile", options->profile,
                    "Show the time by kernel and by layer");
  addThreadsOption(command, options->threads);
  addJsonOption(command, options->json);
}

} // namespace burin::cli
