// SPDX-License-Identifier: Apache-2.0
// Parses an edit, checks all of it, runs it and writes the pictures.
#include "tools/burin/edit.h"

#include <chrono>
#include <cstring>
#include <filesystem>

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "formats/image/sheet.h"
#include "formats/safetensors/safetensors.h"
#include "models/pipeline/edit.h"
#include "tools/burin/model_file.h"
#include "tools/burin/progress.h"

namespace burin::cli {
namespace {

namespace fs = std::filesystem;
using pipeline::EditPlan;
using pipeline::EditProgress;
using pipeline::EditRequest;
using pipeline::EditResult;

constexpr const char* kExamples =
    "  burin edit photo.png \"replace the cat with a dog\" -o out.png\n"
    "  burin edit photo.jpg \"make it night\" -o out.png --steps 50 --seed 7\n"
    "      --compare sheet.png\n"
    "  burin edit photo.jpg \"make it night\" -o out.png --lora "
    "ink.safetensors:0.8\n\n"
    "When the picture changes too little raise --text-scale or lower\n"
    "--image-scale; when it loses too much of the original do the opposite.\n"
    "Another --seed gives another result; the same one gives the same.\n"
    "The result has the size at which the model works: the longer side comes\n"
    "close to --size, and both are multiples of what the model needs.";

struct Options {
  std::string image, instruction, output, compare, model, module, noise;
  std::string sampler, device = "cpu", precision = "f32";
  std::string random = "torch-cpu";
  std::vector<std::string> adapters; // file or file:weight
  std::optional<int> steps, size;
  std::optional<double> textScale, imageScale;
  double eta = 0;
  uint64_t seed = 0;
  int threads = 0, repeat = 1;
  bool unmerged = false, cutText = false, json = false, quiet = false;
};

// A PNG that can be written without losing what must be kept.
Status checkOutput(const std::string& flag, const std::string& path,
                   const std::string& input) {
  std::error_code error;
  if (fs::path(path).extension() != ".png" &&
      fs::path(path).extension() != ".PNG")
    return invalidArgument(flag + " names '" + path +
                           "'; pictures are written as PNG, so the name must "
                           "end in .png");
  if (fs::equivalent(path, input, error))
    return invalidArgument(flag + " names the picture itself, '" + path +
                           "'; it would be lost, choose another name");
  if (fs::is_directory(path, error))
    return invalidArgument(flag + " names the folder '" + path +
                           "'; add a file name");
  fs::path folder = fs::path(path).parent_path();
  if (folder.empty())
    folder = ".";
  if (!fs::is_directory(folder, error))
    return notFound(flag + " '" + path + "' lies in '" + folder.string() +
                    "', which is not a folder; create it first");
  if (access(folder.c_str(), W_OK) != 0)
    return unavailable(flag + " '" + path +
                       "' cannot be written: no "
                       "permission for the folder '" +
                       folder.string() + "'");
  return okStatus();
}

Status checkOutputs(const Options& options) {
  BURIN_TRY(checkOutput("--output", options.output, options.image));
  if (options.compare.empty())
    return okStatus();
  BURIN_TRY(checkOutput("--compare", options.compare, options.image));
  if (fs::weakly_canonical(options.compare) ==
      fs::weakly_canonical(options.output))
    return invalidArgument("--compare and --output are the same file, '" +
                           options.output + "'; give the sheet another name");
  return okStatus();
}

Result<std::vector<float>> readNoise(const std::string& path) {
  BURIN_ASSIGN(SafetensorsFile file, SafetensorsFile::open(path));
  const TensorView* noise = file.find("noise");
  if (!noise || noise->dtype != DType::kF32)
    return invalidArgument("'" + path + "' has no float32 tensor 'noise'");
  std::vector<float> values(noise->data.size() / sizeof(float));
  std::memcpy(values.data(), noise->data.data(), noise->data.size());
  if (values.empty())
    return invalidArgument("the tensor 'noise' in '" + path + "' is empty");
  return values;
}

Result<EditRequest> makeRequest(const Options& options) {
  EditRequest request;
  request.instruction = options.instruction;
  request.steps = options.steps;
  request.size = options.size;
  request.textScale = options.textScale;
  request.imageScale = options.imageScale;
  request.eta = options.eta;
  request.seed = options.seed;
  request.cutLongText = options.cutText;
  if (!options.sampler.empty()) {
    request.sampler = schedule::samplerFromName(options.sampler);
    if (!request.sampler)
      return invalidArgument("there is no sampler '" + options.sampler +
                             "'; choose one of " + schedule::samplerNames());
  }
  BURIN_ASSIGN(request.random, randomModeFromName(options.random));
  BURIN_TRY(parseDevice(options.device).status());
  if (!options.noise.empty()) {
    BURIN_ASSIGN(request.noise, readNoise(options.noise));
  }
  BURIN_ASSIGN(request.image, readImage(options.image));
  return request;
}

bool showProgress(Progress& progress, const EditProgress& now) {
  switch (now.stage) {
  case EditProgress::Stage::kLoad:
    progress.stage("loading the model");
    break;
  case EditProgress::Stage::kCompile:
    progress.stage("compiling for this size (kept for next time)");
    break;
  case EditProgress::Stage::kEncode:
    progress.stage("reading text and picture");
    break;
  case EditProgress::Stage::kSample:
    if (now.step == 0)
      progress.endLine();
    progress.step("editing", now.step, now.steps);
    break;
  case EditProgress::Stage::kDecode:
    progress.stage("decoding the picture");
    break;
  }
  return true;
}

Status writeSheet(const Options& options, const EditResult& result) {
  SheetCell cells[] = {{result.source, "before"},
                       {result.image, options.instruction}};
  return writePng(options.compare, contactSheet(cells));
}

nlohmann::json report(const Options& options, const std::string& model,
                      const EditPlan& plan, const EditResult& result,
                      const std::vector<double>& seconds) {
  nlohmann::json json = {{"output", options.output},
                         {"model", model},
                         {"width", result.image.width},
                         {"height", result.image.height},
                         {"sampler", schedule::name(plan.sampler)},
                         {"steps", plan.steps},
                         {"evaluations", plan.schedule.steps.size()},
                         {"branches", plan.branches.size()},
                         {"text_scale", plan.textScale},
                         {"image_scale", plan.imageScale},
                         {"seed", options.seed},
                         {"cut_text", plan.instruction.cut},
                         {"seconds",
                          {{"open", result.times.open},
                           {"encode", result.times.encode},
                           {"sample", result.times.sample},
                           {"decode", result.times.decode}}}};
  if (!options.compare.empty())
    json["compare"] = options.compare;
  if (options.repeat > 1)
    json["seconds"]["runs"] = seconds;
  json["peak_device_bytes"] = result.peakDeviceBytes;
  return json;
}

std::string summary(const Options& options, const EditPlan& plan,
                    const EditResult& result) {
  const pipeline::EditTimes& times = result.times;
  auto evaluations = static_cast<double>(plan.schedule.steps.size());
  return options.output + ": " + std::to_string(result.image.width) + "x" +
         std::to_string(result.image.height) + ", " +
         std::to_string(plan.steps) + " steps of " +
         std::string(schedule::name(plan.sampler)) + " in " +
         formatSeconds(times.sample) + " (" +
         formatSeconds(times.sample / evaluations) + " each), all in " +
         formatSeconds(times.open + times.encode + times.sample +
                       times.decode) +
         "\n";
}

Status execute(const Options& options) {
  BURIN_TRY(checkOutputs(options));
  BURIN_ASSIGN(EditRequest request, makeRequest(options));
  BURIN_ASSIGN(std::string model, findModel(options.model));
  SessionOptions session;
  session.device = options.device;
  session.threads = options.threads;
  session.precision = options.precision;
  session.moduleFile = options.module;
  for (const std::string& text : options.adapters) {
    BURIN_ASSIGN(adapters::AdapterUse use, adapters::parseAdapterUse(text));
    auto& where = options.unmerged ? request.adapters : session.adapters;
    where.push_back(std::move(use));
  }
  BURIN_ASSIGN(auto editor, pipeline::Editor::open(model, session));
  BURIN_ASSIGN(EditPlan plan, editor->plan(request));

  Progress progress(Progress::detect(options.quiet));
  if (!plan.instruction.cut.empty())
    progress.stage("the instruction is too long; this part is left out: \"" +
                   plan.instruction.cut + "\"");
  EditResult result;
  std::vector<double> seconds;
  for (int i = 0; i < options.repeat; ++i) {
    auto before = std::chrono::steady_clock::now();
    BURIN_ASSIGN(result,
                 editor->run(plan, request, [&](const EditProgress& now) {
                   return showProgress(progress, now);
                 }));
    seconds.push_back(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - before)
            .count());
  }
  progress.endLine();
  BURIN_TRY(writePng(options.output, result.image));
  if (!options.compare.empty())
    BURIN_TRY(writeSheet(options, result));
  if (options.json)
    return printJson(report(options, model, plan, result, seconds));
  return options.quiet ? okStatus() : print(summary(options, plan, result));
}

void addStrengthOptions(CLI::App* command, Options& options) {
  command->add_option("--text-scale", options.textScale,
                      "How strongly to follow the instruction: 0 to 1000, "
                      "often 3 to 10");
  command->add_option("--image-scale", options.imageScale,
                      "How strongly to keep the picture: 0 to 1000, often 1 "
                      "to 2");
  command->add_option("--steps", options.steps,
                      "Steps of the sampler: more are finer and slower");
  command->add_option("--sampler", options.sampler,
                      "One of " + schedule::samplerNames());
  command
      ->add_option("--eta", options.eta,
                   "ddim only: the share of fresh noise, 0 to 1")
      ->capture_default_str();
  command->add_option("--size", options.size,
                      "Pixels of the longer side of the result");
  command
      ->add_option("--seed", options.seed,
                   "The number that the random start is made from")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command
      ->add_option("--random", options.random,
                   "Whose random numbers a seed gives: torch-cpu, "
                   "torch-cuda, or counter (Burin's own)")
      ->capture_default_str();
  command->add_option("--noise", options.noise,
                      "A safetensors file with a tensor 'noise' to use "
                      "instead of random numbers");
}

} // namespace

void addEdit(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      addCommand<Options>(app, chosen, "edit", "Edit a picture by instruction",
                          kExamples, options, execute);
  command->add_option("image", options->image, "The picture, PNG or JPEG")
      ->required();
  command
      ->add_option("instruction", options->instruction,
                   "What to change, in words")
      ->required();
  command
      ->add_option("-o,--output", options->output,
                   "Where the result goes (PNG)")
      ->required();
  command->add_option("--compare", options->compare,
                      "Also write before and after side by side (PNG)");
  command->add_option("--model", options->model,
                      "The model's checkpoint; default: $BURIN_MODEL, or the "
                      "small one that comes with Burin");
  addStrengthOptions(command, *options);
  command->add_flag("--cut-text", options->cutText,
                    "Use the beginning of an instruction that is too long");
  addThreadsOption(command, options->threads);
  addDeviceOption(command, options->device);
  addPrecisionOption(command, options->precision);
  command->add_option("--module", options->module,
                      "A compiled module to use (burin compile --function "
                      "edit)");
  command
      ->add_option("--lora", options->adapters,
                   "A low-rank adapter to apply, file or file:weight; give "
                   "the option again for several, which add up")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command
      ->add_flag("--unmerged", options->unmerged,
                 "Keep adapters beside the weights: a little slower, and a "
                 "model in 16 bits does not round what they add")
      ->needs("--lora");
  command
      ->add_option("--repeat", options->repeat,
                   "Edit this often, to time it warm (--json)")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  command->add_flag("-q,--quiet", options->quiet, "Show no progress");
  addJsonOption(command, options->json);
}

} // namespace burin::cli
