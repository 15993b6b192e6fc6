// SPDX-License-Identifier: Apache-2.0
// Parses and checks compile requests.
#include "models/graph/request.h"

#include "models/graph/common/config.h"

#include <algorithm>
#include <array>
#include <set>

namespace burin::models {

namespace {

constexpr int64_t kLargestBatch = 1024;
constexpr int64_t kLargestExtent = 16384;
constexpr int64_t kLargestBudget = int64_t{1} << 24; // MiB

constexpr std::array<std::string_view, 2> kArchitectures = {"instruct_pix2pix",
                                                            "stable_diffusion"};

Result<DType> readDType(const std::string& where, const std::string& name,
                        std::initializer_list<DType> supported) {
  std::string list;
  for (DType dtype : supported) {
    if (burin::name(dtype) == name)
      return dtype;
    list +=
        (list.empty() ? "\"" : ", \"") + std::string(burin::name(dtype)) + "\"";
  }
  return unimplemented(where + " is \"" + name + "\", and Burin supports " +
                       list);
}

Result<ComponentRequest> readComponent(const std::string& name,
                                       const nlohmann::json& json) {
  std::string label = "components." + name;
  Config c(label, json);
  std::string dtype = c.text("dtype", "f32");
  c.ignore({"config"});
  BURIN_TRY(c.finish());
  ComponentRequest component;
  BURIN_ASSIGN(component.dtype,
               readDType(label + ".dtype", dtype,
                         {DType::kF32, DType::kBF16, DType::kF16}));
  if (!c.has("config"))
    return invalidArgument(label + " has no \"config\"; pass the text of the "
                                   "component's configuration");
  component.config = json["config"];
  return component;
}

int64_t readExtent(Config& c, std::string_view key, int64_t fallback,
                   int64_t largest) {
  int64_t value = c.positive(key, fallback);
  if (value > largest)
    c.unsupported(key, "values from 1 to " + std::to_string(largest));
  return value;
}

std::vector<EditBranch> readBranches(Config& c) {
  std::vector<EditBranch> branches;
  for (const std::string& name : c.texts("branches", {})) {
    bool text = name == "text" || name == "text+picture";
    bool picture = name == "picture" || name == "text+picture";
    if (!text && !picture && name != "none")
      c.unsupported("branches", "lists of \"text+picture\", \"text\", "
                                "\"picture\" and \"none\"");
    branches.push_back({text, picture});
  }
  return branches;
}

// Whether `key` has the second of two values; the first where it is absent.
bool readChoice(Config& c, std::string_view key, std::string_view first,
                std::string_view second) {
  std::string value = c.text(key, first);
  if (value != first && value != second)
    c.unsupported(key, "\"" + std::string(first) + "\" and \"" +
                           std::string(second) + "\"");
  return value == second;
}

Result<AdapterRequest> readAdapter(const std::string& label,
                                   const nlohmann::json& json) {
  constexpr int64_t kLargestRank = 4096;
  Config c(label + ".adapter", json);
  AdapterRequest adapter;
  adapter.rank = readExtent(c, "rank", 0, kLargestRank);
  adapter.scale = c.number("scale", 1);
  adapter.layers = c.texts("layers", {});
  if (adapter.rank == 0 || adapter.layers.empty())
    c.reject(adapter.rank == 0 ? "rank" : "layers",
             "is missing; an adapter needs it");
  BURIN_TRY(c.finish());
  return adapter;
}

Result<FunctionRequest> readFunction(size_t i, const nlohmann::json& json) {
  const std::string label = "functions[" + std::to_string(i) + "]";
  Config c(label, json);
  FunctionRequest function;
  function.component = c.text("component", "");
  function.name = c.text("name", "");
  function.batch = readExtent(c, "batch", 1, kLargestBatch);
  function.height = readExtent(c, "height", 0, kLargestExtent);
  function.width = readExtent(c, "width", 0, kLargestExtent);
  function.tokens = readExtent(c, "tokens", 0, kLargestExtent);
  function.channelsFirst = readChoice(c, "layout", "nhwc", "nchw");
  if (c.has("branches"))
    function.branches = readBranches(c);
  if (c.has("invariant"))
    function.invariant = c.texts("invariant", {});
  if (readChoice(c, "prediction", "epsilon", "v_prediction"))
    function.prediction = Prediction::kVelocity;
  function.decayAll = readChoice(c, "decay", "weights", "all");
  function.memoryBudget = readExtent(c, "memory_budget", 0, kLargestBudget);
  c.ignore({"adapter"});
  BURIN_TRY(c.finish());
  if (c.has("adapter")) {
    BURIN_ASSIGN(function.adapter, readAdapter(label, json["adapter"]));
  }
  return function;
}

Status readArchitecture(const std::string& name) {
  if (std::find(kArchitectures.begin(), kArchitectures.end(), name) !=
      kArchitectures.end())
    return okStatus();
  std::string known;
  for (std::string_view architecture : kArchitectures)
    known += (known.empty() ? "'" : ", '") + std::string(architecture) + "'";
  return unimplemented("architecture is '" + name + "', and Burin supports " +
                       known);
}

Status readFunctions(const nlohmann::json& json, CompileRequest& request) {
  if (!json.is_array() || json.empty())
    return invalidArgument("\"functions\" of the compile request is not a "
                           "list of at least one function");
  std::set<std::string> names;
  for (size_t i = 0; i < json.size(); ++i) {
    BURIN_ASSIGN(FunctionRequest function, readFunction(i, json[i]));
    if (!request.components.contains(function.component))
      return invalidArgument("functions[" + std::to_string(i) +
                             "] asks for component '" + function.component +
                             "', which the request does not describe under "
                             "\"components\"");
    if (!names.insert(function.name).second)
      return invalidArgument("function '" + function.name +
                             "' is requested twice; compile one module for "
                             "each size");
    request.functions.push_back(std::move(function));
  }
  return okStatus();
}

} // namespace

Result<CompileRequest> parseCompileRequest(std::string_view text) {
  nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  if (json.is_discarded())
    return invalidArgument("the compile request is not JSON");
  Config c("the compile request", json);
  CompileRequest request;
  request.architecture = c.text("architecture", "");
  request.target = c.text("target", "x86-64-v3");
  std::string precision = c.text("precision", "f32");
  c.ignore({"components", "functions"});
  BURIN_TRY(c.finish());
  BURIN_TRY(readArchitecture(request.architecture));
  bool card = request.target.starts_with("sm_");
  auto offered = {DType::kF32, DType::kBF16, DType::kF16};
  BURIN_ASSIGN(request.precision, readDType("precision", precision, offered));
  if (request.precision == DType::kF16 && !card)
    return unimplemented("precision is \"f16\", which Burin supports on cards "
                         "(\"sm_90a\"), not on \"" +
                         request.target + "\"");
  if (!c.has("components") || !json["components"].is_object())
    return invalidArgument("the compile request has no \"components\" object");
  for (const auto& [name, value] : json["components"].items()) {
    BURIN_ASSIGN(ComponentRequest component, readComponent(name, value));
    request.components.emplace(name, std::move(component));
  }
  BURIN_TRY(
      readFunctions(c.has("functions") ? json["functions"] : nullptr, request));
  return request;
}

} // namespace burin::models
