// SPDX-License-Identifier: Apache-2.0
// Hands the peer's script its task in JSON and its tensors in files.
#include "tools/burin/bench_peer.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <limits>
#include <thread>

#include <nlohmann/json.hpp>

#include "formats/safetensors/safetensors.h"
#include "tools/burin/subprocess.h"
#include "tools/burin/tensor_convert.h"

namespace burin::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// A folder for the exchange of tensors, gone with this object.
class ExchangeFolder {
public:
  static Result<ExchangeFolder> create() {
    std::error_code error;
    fs::path base = fs::temp_directory_path(error);
    std::string path = (base / "burin_bench_XXXXXX").string();
    if (error || !mkdtemp(path.data()))
      return unavailable("cannot make a folder '" + path +
                         "' for the peer's tensors; set TMPDIR to a place "
                         "that can be written");
    return ExchangeFolder(path);
  }
  ExchangeFolder(ExchangeFolder&& other) noexcept
      : path_(std::exchange(other.path_, {})) {}
  ~ExchangeFolder() {
    std::error_code error;
    if (!path_.empty())
      fs::remove_all(path_, error);
  }

  std::string inputs() const { return path_ / "inputs.safetensors"; }
  std::string outputs() const { return path_ / "outputs.safetensors"; }
  std::string reference() const { return path_ / "reference.safetensors"; }
  std::string gradients() const { return path_ / "gradients.safetensors"; }

private:
  explicit ExchangeFolder(fs::path path) : path_(std::move(path)) {}
  fs::path path_;
};

json taskOf(const BenchOptions& options, const Measured& burin) {
  const FunctionRequest& f = burin.function;
  int threads = options.threads
                    ? options.threads
                    : static_cast<int>(std::thread::hardware_concurrency());
  return {{"function", f.name},
          {"batch", f.batch},
          {"height", f.height},
          {"width", f.width},
          {"tokens", f.tokens},
          {"threads", threads},
          {"repeats", options.repeat},
          {"dtype", options.precision},
          {"device", options.device},
          {"config", json::parse(burin.config, nullptr, false)}};
}

Result<json> runScript(const BenchOptions& options, const json& task) {
  std::string words[] = {options.python, options.script, task.dump()};
  auto output = runProgram(words);
  if (!output.ok())
    return output.status().within(
        "the peer needs python with torch, diffusers and transformers "
        "(--python) and its script (--script)");
  json answer = json::parse(*output, nullptr, false);
  if (!answer.is_object() || !answer["layouts"].is_object() ||
      answer["layouts"].empty() || !answer["torch"].is_string())
    return internalError("'" + options.script + "' printed no result");
  return answer;
}

Peer readAnswer(const json& answer) {
  Peer peer;
  for (const auto& [layout, value] : answer["layouts"].items()) {
    Timing timing = {value.value("best", 0.0), value.value("median", 0.0),
                     value.value("processor", 0.0)};
    if (peer.name.empty() || timing.best < peer.timing.best) {
      peer.name = "torch " + answer["torch"].get<std::string>() + ", " + layout;
      peer.timing = timing;
      peer.readySeconds = value.value("ready_seconds", 0.0);
    }
  }
  peer.peakBytes = answer.value("peak_bytes", 0.0);
  return peer;
}

Result<std::vector<float>> floatsOf(const TensorView& tensor) {
  BURIN_ASSIGN(auto bytes, convertElements(tensor, DType::kF32));
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

// sqrt(sum (x - r)^2 / sum r^2) over all outputs that the reference has.
Result<double> relativeError(std::span<const TensorView> outputs,
                             const SafetensorsFile& reference) {
  double difference = 0, norm = 0;
  for (const TensorView& wanted : reference.tensors()) {
    auto same = [&](const TensorView& t) { return t.name == wanted.name; };
    auto found = std::ranges::find_if(outputs, same);
    if (found == outputs.end() ||
        !std::ranges::equal(found->shape, wanted.shape))
      return invalidArgument("the peer's reference has '" +
                             std::string(wanted.name) + "' " +
                             toString(wanted.shape) +
                             ", which the outputs compared to it have not");
    BURIN_ASSIGN(std::vector<float> x, floatsOf(*found));
    BURIN_ASSIGN(std::vector<float> r, floatsOf(wanted));
    for (size_t i = 0; i < r.size(); ++i) {
      difference += (double{x[i]} - r[i]) * (double{x[i]} - r[i]);
      norm += double{r[i]} * r[i];
    }
  }
  return std::sqrt(difference / norm);
}

Result<Errors> compare(const ExchangeFolder& folder, const Measured& burin) {
  BURIN_ASSIGN(SafetensorsFile outputs,
               SafetensorsFile::open(folder.outputs()));
  BURIN_ASSIGN(SafetensorsFile reference,
               SafetensorsFile::open(folder.reference()));
  Errors errors;
  BURIN_ASSIGN(errors.burin, relativeError(burin.outputs.views(), reference));
  BURIN_ASSIGN(errors.peer, relativeError(outputs.tensors(), reference));
  return errors;
}

json toJson(const schedule::HyperParameters& hyper) {
  return {{"learning_rate", hyper.learningRate},
          {"weight_decay", hyper.weightDecay},
          {"beta1", hyper.beta1},
          {"beta2", hyper.beta2},
          {"epsilon", hyper.epsilon},
          {"max_gradient_norm", hyper.maxGradientNorm},
          {"average_decay", hyper.averageDecay}};
}

// The peer reads the checkpoint itself, and compares gradients where they are
// made: they are as large as the model.
Result<Peer> measureTraining(const BenchOptions& options, const Measured& burin,
                             json task) {
  BURIN_ASSIGN(ExchangeFolder folder, ExchangeFolder::create());
  BURIN_TRY(writeSafetensors(folder.inputs(), burin.inputs.views()));
  BURIN_TRY(writeSafetensors(folder.gradients(), burin.outputs.views()));
  task["model"] = options.model;
  task["prediction"] = burin.training->prediction;
  task["hyper"] = toJson(burin.training->hyper);
  task["inputs"] = folder.inputs();
  task["gradients"] = folder.gradients();
  BURIN_ASSIGN(json answer, runScript(options, task));
  const json& errors = answer["errors"];
  const json& losses = answer["losses"];
  if (!errors.is_object() || !losses.is_object())
    return internalError("'" + options.script +
                         "' compared no gradients: its answer has no 'errors' "
                         "and 'losses'");
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  Peer peer = readAnswer(answer);
  peer.errors = {errors.value("burin", kNone), errors.value("torch", kNone),
                 Errors::Worst{errors.value("worst_tensor", ""),
                               errors.value("worst", kNone)}};
  peer.losses = {losses.value("torch", kNone), losses.value("float32", kNone)};
  return peer;
}

} // namespace

Status dumpTensors(const BenchOptions& options, const Measured& burin) {
  std::error_code error;
  fs::create_directories(options.dump, error);
  if (error)
    return unavailable("cannot make the folder '" + options.dump +
                       "' of --dump: " + error.message());
  BURIN_TRY(writeSafetensors(options.dump + "/inputs.safetensors",
                             burin.inputs.views()));
  return writeSafetensors(options.dump + "/burin.safetensors",
                          burin.outputs.views());
}

Result<Peer> measureTorch(const BenchOptions& options, const Measured& burin) {
  json task = taskOf(options, burin);
  if (burin.training)
    return measureTraining(options, burin, std::move(task));
  if (options.weights.empty()) {
    BURIN_ASSIGN(json answer, runScript(options, task));
    return readAnswer(answer);
  }
  BURIN_ASSIGN(ExchangeFolder folder, ExchangeFolder::create());
  BURIN_TRY(writeSafetensors(folder.inputs(), burin.inputs.views()));
  task["weights"] = options.weights;
  task["inputs"] = folder.inputs();
  task["outputs"] = folder.outputs();
  task["reference_outputs"] = folder.reference();
  BURIN_ASSIGN(json answer, runScript(options, task));
  Peer peer = readAnswer(answer);
  BURIN_ASSIGN(peer.errors, compare(folder, burin));
  return peer;
}

} // namespace burin::cli
