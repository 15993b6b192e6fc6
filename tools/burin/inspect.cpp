// SPDX-License-Identifier: Apache-2.0
// Tells the kinds of file apart and describes each.
#include "tools/burin/inspect.h"

#include <algorithm>
#include <map>

#include <nlohmann/json.hpp>

#include "formats/checkpoint/checkpoint.h"
#include "formats/safetensors/safetensors.h"
#include "tools/burin/inspect_module.h"

namespace burin::cli {
namespace {

using nlohmann::json;

struct InspectOptions {
  std::string file;
  size_t top = 10;
  bool json = false;
};

// Tensors by what stands before the first dot of their names.
json componentsJson(std::span<const TensorView> tensors) {
  struct Sum {
    uint64_t tensors = 0, parameters = 0, bytes = 0;
    std::map<std::string, uint64_t> types;
  };
  std::map<std::string, Sum> sums;
  for (const TensorView& tensor : tensors) {
    Sum& sum = sums[std::string(tensor.name.substr(0, tensor.name.find('.')))];
    sum.tensors += 1;
    sum.parameters +=
        static_cast<uint64_t>(elementCount(tensor.shape).value_or(0));
    sum.bytes += tensor.data.size();
    sum.types[std::string(name(tensor.dtype))] += 1;
  }
  auto result = json::array();
  for (const auto& [component, sum] : sums)
    result.push_back({{"name", component},
                      {"tensors", sum.tensors},
                      {"parameters", sum.parameters},
                      {"bytes", sum.bytes},
                      {"types", sum.types}});
  return result;
}

json largestJson(std::span<const TensorView> tensors, size_t count) {
  std::vector<const TensorView*> order;
  for (const TensorView& tensor : tensors)
    order.push_back(&tensor);
  std::ranges::stable_sort(order, std::greater(), [](const TensorView* tensor) {
    return tensor->data.size();
  });
  auto result = json::array();
  for (size_t i = 0; i < std::min(count, order.size()); ++i)
    result.push_back({{"name", order[i]->name},
                      {"dtype", name(order[i]->dtype)},
                      {"shape", order[i]->shape},
                      {"bytes", order[i]->data.size()}});
  return result;
}

json tensorsJson(std::span<const TensorView> tensors,
                 const InspectOptions& options) {
  uint64_t bytes = 0;
  for (const TensorView& tensor : tensors)
    bytes += tensor.data.size();
  return {{"tensors", tensors.size()},
          {"bytes", bytes},
          {"components", componentsJson(tensors)},
          {"largest", largestJson(tensors, options.top)}};
}

std::string tensorsText(const json& description) {
  std::string text;
  for (const json& component : description["components"]) {
    std::string types;
    for (const auto& [type, count] : component["types"].items())
      types += (types.empty() ? "" : ", ") + type;
    text += "  " + component["name"].get<std::string>() + ": " +
            std::to_string(component["tensors"].get<uint64_t>()) +
            " tensors, " + formatCount(component["parameters"].get<double>()) +
            " parameters, " + formatBytes(component["bytes"].get<double>()) +
            ", " + types + "\n";
  }
  text += "largest tensors:\n";
  for (const json& tensor : description["largest"])
    text += "  " + formatBytes(tensor["bytes"].get<double>()) + "  " +
            tensor["name"].get<std::string>() + " " +
            tensor["dtype"].get<std::string>() +
            toString(tensor["shape"].get<Shape>()) + "\n";
  return text;
}

Status show(const json& description, const std::string& text,
            const InspectOptions& options) {
  return options.json ? printJson(description) : print(text);
}

Status inspectModule(const MappedFile& file, const InspectOptions& options) {
  Result<const module::Module*> module = module::read(file.bytes());
  if (!module.ok())
    return module.status().within("'" + file.path() + "'");
  json description = describeModule(**module);
  return show(description, moduleText(description), options);
}

Status inspectCheckpoint(const InspectOptions& options) {
  BURIN_ASSIGN(Checkpoint checkpoint, Checkpoint::open(options.file));
  json description = tensorsJson(checkpoint.tensors(), options);
  description["kind"] = "checkpoint";
  auto& metadata = description["metadata"] = json::object();
  std::string text = "checkpoint of " +
                     formatBytes(description["bytes"].get<double>()) + " in " +
                     std::to_string(checkpoint.files().size()) + " file(s)\n" +
                     tensorsText(description) + "metadata:\n";
  // Vocabularies are long; what they are is enough.
  constexpr size_t kShown = 100;
  for (const auto& [key, value] : checkpoint.metadata()) {
    metadata[std::string(key)] = value;
    text += "  " + std::string(key) + ": " +
            (value.size() <= kShown
                 ? std::string(value)
                 : std::to_string(value.size()) + " characters") +
            "\n";
  }
  return show(description, text, options);
}

Status inspectSafetensors(const InspectOptions& options) {
  BURIN_ASSIGN(SafetensorsFile file, SafetensorsFile::open(options.file));
  json description = tensorsJson(file.tensors(), options);
  description["kind"] = "safetensors";
  return show(description,
              "safetensors of " +
                  formatBytes(description["bytes"].get<double>()) + "\n" +
                  tensorsText(description),
              options);
}

Status execute(const InspectOptions& options) {
  BURIN_ASSIGN(MappedFile file, MappedFile::open(options.file));
  std::string_view bytes(reinterpret_cast<const char*>(file.bytes().data()),
                         file.bytes().size());
  constexpr size_t kIdentifierAt = 4; // in any FlatBuffer
  if (bytes.starts_with("BURINCKP"))
    return inspectCheckpoint(options);
  if (bytes.size() >= 8 &&
      bytes.substr(kIdentifierAt, 4) == module::ModuleIdentifier())
    return inspectModule(file, options);
  if (bytes.size() >= 9 && bytes[8] == '{')
    return inspectSafetensors(options);
  return invalidArgument("'" + options.file +
                         "' is neither a checkpoint, nor a compiled module, "
                         "nor safetensors");
}

} // namespace

void addInspect(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<InspectOptions>();
  CLI::App* command = addCommand(
      app, chosen, "inspect", "Show what is inside a file",
      "  burin inspect model.burin        parts, sizes, metadata\n"
      "  burin inspect unet.burinm        functions, steps, memory plan\n"
      "  burin inspect in.safetensors --top 100\n"
      "  burin inspect model.burin --json | jq .metadata",
      options, execute);
  command
      ->add_option("file", options->file,
                   "Checkpoint, compiled module or safetensors")
      ->required();
  command->add_option("--top", options->top, "How many of the largest tensors")
      ->check(CLI::Range(size_t{0}, size_t{1000000}))
      ->capture_default_str();
  addJsonOption(command, options->json);
}

} // namespace burin::cli
