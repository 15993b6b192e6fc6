// SPDX-License-Identifier: Apache-2.0
// Builds compile requests from a checkpoint's metadata.
#include "models/pipeline/compile_request.h"

#include <nlohmann/json.hpp>

#include "models/pipeline/device.h"

namespace burin {
namespace {

using nlohmann::json;

// The one element type of a component's weights.
Result<DType> weightType(const Checkpoint& checkpoint,
                         const std::string& component) {
  std::string prefix = component + ".";
  const TensorView* first = nullptr;
  for (const TensorView& tensor : checkpoint.tensors()) {
    if (!tensor.name.starts_with(prefix))
      continue;
    if (!first)
      first = &tensor;
    else if (tensor.dtype != first->dtype)
      return invalidArgument(
          "the weights of '" + component + "' differ in type: '" +
          std::string(first->name) + "' is " + std::string(name(first->dtype)) +
          ", '" + std::string(tensor.name) + "' is " +
          std::string(name(tensor.dtype)) + "; convert the checkpoint again");
  }
  if (!first)
    return notFound("'" + checkpoint.path() + "' has no tensors of '" +
                    component + "'");
  return first->dtype;
}

Result<json> componentOf(const Checkpoint& checkpoint,
                         const std::string& component) {
  std::string key = component + ".config";
  auto text = checkpoint.metadata(key);
  if (!text)
    return notFound("'" + checkpoint.path() + "' has no '" + key +
                    "'; convert the model again");
  json config = json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (!config.is_object())
    return dataLoss("'" + key + "' in '" + checkpoint.path() +
                    "' is not a JSON object");
  BURIN_ASSIGN(DType dtype, weightType(checkpoint, component));
  return json{{"config", std::move(config)}, {"dtype", name(dtype)}};
}

Status checkExtent(const FunctionRequest& function, const char* what,
                   int64_t value, bool needed) {
  constexpr int64_t kLimit = 1 << 20;
  if (needed ? value >= 1 && value <= kLimit : value == 0)
    return okStatus();
  if (!needed)
    return invalidArgument("function '" + function.name + "' has no " + what +
                           "; leave it out");
  return invalidArgument("function '" + function.name + "' needs a " + what +
                         " between 1 and " + std::to_string(kLimit) + ", not " +
                         std::to_string(value));
}

Result<json> functionOf(const FunctionRequest& function,
                        const CompileTarget& target) {
  BURIN_ASSIGN(FunctionKind kind, findFunctionKind(function.name));
  bool image = !kind.imageInput.empty(), tokens = !kind.tokensInput.empty();
  BURIN_TRY(checkExtent(function, "batch", function.batch, true));
  BURIN_TRY(checkExtent(function, "height", function.height, image));
  BURIN_TRY(checkExtent(function, "width", function.width, image));
  BURIN_TRY(checkExtent(function, "token count", function.tokens, tokens));
  json result = {{"component", kind.component},
                 {"name", function.name},
                 {"batch", function.batch}};
  if (image) {
    result["height"] = function.height;
    result["width"] = function.width;
    if (!kind.part)
      result["layout"] = target.layout == Layout::kNchw ? "nchw" : "nhwc";
  }
  if (tokens)
    result["tokens"] = function.tokens;
  std::vector<std::string> invariant = function.invariant;
  if (!kind.invariant.empty())
    invariant.emplace_back(kind.invariant);
  if (!invariant.empty())
    result["invariant"] = invariant;
  if (!function.branches.empty())
    result["branches"] = function.branches;
  if (!function.prediction.empty())
    result["prediction"] = function.prediction;
  if (!function.decay.empty())
    result["decay"] = function.decay;
  if (function.adapter)
    result["adapter"] = {{"rank", function.adapter->rank},
                         {"scale", function.adapter->scale},
                         {"layers", function.adapter->layers}};
  if (function.memoryBudget > 0)
    result["memory_budget"] = function.memoryBudget;
  return result;
}

} // namespace

Result<FunctionKind> findFunctionKind(std::string_view name) {
  std::string known;
  for (const FunctionKind& kind : kFunctions) {
    if (kind.name == name)
      return kind;
    known += (known.empty() ? "" : ", ") + std::string(kind.name);
  }
  return notFound("there is no function '" + std::string(name) +
                  "'; a model has " + known);
}

Status checkPrecision(std::string_view precision, std::string_view processor) {
  if (precision == "f16" && !isCudaTarget(processor))
    return invalidArgument("precision 'f16' is for cards, not for '" +
                           std::string(processor) + "'; choose bf16 or f32");
  if (precision != "f32" && precision != "bf16" && precision != "f16")
    return invalidArgument("precision '" + std::string(precision) +
                           "' is none of f32, bf16 and f16");
  return okStatus();
}

Result<std::string> compileRequest(const Checkpoint& checkpoint,
                                   std::span<const FunctionRequest> functions,
                                   const CompileTarget& target) {
  BURIN_TRY(checkPrecision(target.precision, target.processor));
  auto architecture = checkpoint.metadata("architecture");
  if (!architecture)
    return notFound("'" + checkpoint.path() +
                    "' does not say its architecture; convert the model again");
  json request = {{"architecture", *architecture},
                  {"target", target.processor},
                  {"precision", target.precision},
                  {"components", json::object()},
                  {"functions", json::array()}};
  for (const FunctionRequest& function : functions) {
    BURIN_ASSIGN(json described, functionOf(function, target));
    auto component = described["component"].get<std::string>();
    request["functions"].push_back(std::move(described));
    if (request["components"].contains(component))
      continue;
    BURIN_ASSIGN(request["components"][component],
                 componentOf(checkpoint, component));
  }
  return request.dump(-1, ' ', false, json::error_handler_t::replace);
}

} // namespace burin
