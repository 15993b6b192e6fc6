// SPDX-License-Identifier: Apache-2.0
// Sizes, functions, steps by kernel and memory plan of a module.
#include "tools/burin/inspect_module.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include <nlohmann/json.hpp>

#include "tools/burin/cli.h"

namespace burin::cli {
namespace {

using nlohmann::json;

template <typename Table>
uint64_t bytesOf(const Table& table) {
  return static_cast<uint64_t>(*byteCount(module::dtypeOf(table.dtype()),
                                          module::shapeOf(*table.shape())));
}

template <typename Values>
json valuesJson(const Values& values) {
  auto result = json::array();
  for (const auto* value : values)
    result.push_back({{"name", value->name()->str()},
                      {"dtype", name(module::dtypeOf(value->dtype()))},
                      {"shape", module::shapeOf(*value->shape())}});
  return result;
}

std::string kernelOf(const module::Step& step) {
  if (const module::Call* call = step.verb_as_Call())
    return call->kernel()->str();
  std::string verb = module::EnumNameVerb(step.verb_type());
  std::ranges::transform(verb, verb.begin(),
                         [](unsigned char c) { return std::tolower(c); });
  return verb;
}

json stepsJson(const module::Function& function) {
  struct Sum {
    uint64_t steps = 0, flops = 0, bytes = 0;
  };
  std::map<std::string, Sum> sums;
  for (const module::Step* step : *function.steps()) {
    Sum& sum = sums[kernelOf(*step)];
    sum.steps += 1;
    sum.flops += step->flops();
    sum.bytes += step->bytes();
  }
  auto result = json::array();
  for (const auto& [kernel, sum] : sums)
    result.push_back({{"kernel", kernel},
                      {"steps", sum.steps},
                      {"flops", sum.flops},
                      {"bytes", sum.bytes}});
  return result;
}

// The constants that a function reads in place, and the states it uses.
json storageJson(const module::Module& module,
                 const module::Function& function) {
  std::set<uint32_t> constants, states;
  for (const module::Slice* slice : *function.slices()) {
    if (slice->storage() == module::Storage::Constant)
      constants.insert(slice->index());
    else if (slice->storage() == module::Storage::State)
      states.insert(slice->index());
  }
  uint64_t constantBytes = 0, stateBytes = 0;
  for (uint32_t index : constants)
    constantBytes += bytesOf(*module.constants()->Get(index));
  for (uint32_t index : states)
    stateBytes += module.states()->Get(index)->bytes();
  return {{"arena", function.arena_bytes()},
          {"states", stateBytes},
          {"constants", constantBytes}};
}

std::string valuesText(const json& values) {
  std::string text;
  for (const json& value : values)
    text += (text.empty() ? "" : ", ") + value["name"].get<std::string>() +
            " " + value["dtype"].get<std::string>() +
            toString(value["shape"].get<Shape>());
  return text.empty() ? "nothing" : text;
}

std::string sizeText(const json& bytes) {
  return formatBytes(bytes.get<double>());
}

std::string functionText(const json& function) {
  const json& memory = function["memory"];
  std::string text = "\n" + function["name"].get<std::string>() + ": " +
                     valuesText(function["inputs"]) + "\n    -> " +
                     valuesText(function["outputs"]) + "\n  memory: arena " +
                     sizeText(memory["arena"]) + ", packed weights " +
                     sizeText(memory["states"]) + ", weights read in place " +
                     sizeText(memory["constants"]) + "\n";
  for (const json& row : function["steps"]) {
    double flops = row["flops"].get<double>();
    text += "  " + std::to_string(row["steps"].get<uint64_t>()) + " x " +
            row["kernel"].get<std::string>();
    if (flops > 0)
      text += ", " + formatFlops(flops);
    text += ", " + sizeText(row["bytes"]) + " moved\n";
  }
  return text;
}

} // namespace

json describeModule(const module::Module& module) {
  json result = {{"kind", "module"},
                 {"producer", module.producer()->str()},
                 {"abi", module.abi()},
                 {"images", json::array()},
                 {"generated_kernels", module.kernels()->size()},
                 {"functions", json::array()}};
  for (const module::Image* image : *module.images())
    result["images"].push_back({{"kind", EnumNameImageKind(image->kind())},
                                {"target", image->target()->str()},
                                {"bytes", image->data()->size()}});
  uint64_t constants = 0, states = 0, arena = 0;
  for (const module::Constant* constant : *module.constants())
    constants += bytesOf(*constant);
  for (const module::State* state : *module.states())
    states += state->bytes();
  for (const module::Function* function : *module.functions()) {
    arena = std::max(arena, function->arena_bytes());
    result["functions"].push_back(
        {{"name", function->name()->str()},
         {"inputs", valuesJson(*function->inputs())},
         {"outputs", valuesJson(*function->outputs())},
         {"memory", storageJson(module, *function)},
         {"steps", stepsJson(*function)}});
  }
  result["constants"] = {{"count", module.constants()->size()},
                         {"bytes", constants}};
  result["states"] = {{"count", module.states()->size()}, {"bytes", states}};
  result["arena_bytes"] = arena;
  return result;
}

std::string moduleText(const json& module) {
  std::string text = "module by " + module["producer"].get<std::string>() +
                     ", ABI " + std::to_string(module["abi"].get<int>()) + "\n";
  for (const json& image : module["images"])
    text += "code: " + image["kind"].get<std::string>() + " for " +
            image["target"].get<std::string>() + ", " +
            sizeText(image["bytes"]) + "\n";
  text +=
      "weights: " + std::to_string(module["constants"]["count"].get<size_t>()) +
      " tensors, " + sizeText(module["constants"]["bytes"]) +
      " in the checkpoint, " + sizeText(module["states"]["bytes"]) +
      " packed\n";
  text += "working memory: " + sizeText(module["arena_bytes"]) + "\n";
  for (const json& function : module["functions"])
    text += functionText(function);
  return text;
}

} // namespace burin::cli
